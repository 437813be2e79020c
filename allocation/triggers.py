"""A published version of the tiering model never changes: kept by the database itself, whoever writes.

Triggers, since no constraint sees the row as it was. They are made again after every migrate: SQLite drops them
when Django builds a table anew. On SQLite nothing forbids deleting a version (emptying a test database deletes
rows there); a version that a run used is protected by its foreign key.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

TABLE = "allocation_tieringmodel"
# What a version is, as opposed to how far it has come.
SUBSTANCE = (
    "id",
    "number",
    "name",
    "playbook",
    "definition",
    "digest",
    "created_at",
    "created_by_id",
    "published_at",
    "published_by_id",
)
NEVER_CHANGES = "A published or retired version of the tiering model never changes: make a new draft of it."
ONLY_FORWARD = "A version of the tiering model goes from draft to published to retired, and no other way."
NOT_DELETED = "A published or retired version of the tiering model is never deleted."


def _changed(differs: str) -> str:
    return " OR ".join(f"NEW.{column} {differs} OLD.{column}" for column in SUBSTANCE)


FORWARD = "((OLD.status = 'draft' AND NEW.status = 'published') OR (OLD.status = 'published' AND NEW.status = 'retired'))"

SQLITE = (
    "DROP TRIGGER IF EXISTS tieringmodel_never_changes",
    f"""CREATE TRIGGER tieringmodel_never_changes BEFORE UPDATE ON {TABLE}
WHEN OLD.status <> 'draft' AND ({_changed("IS NOT")})
BEGIN SELECT RAISE(ABORT, '{NEVER_CHANGES}'); END""",
    "DROP TRIGGER IF EXISTS tieringmodel_only_forward",
    f"""CREATE TRIGGER tieringmodel_only_forward BEFORE UPDATE ON {TABLE}
WHEN NEW.status IS NOT OLD.status AND NOT {FORWARD}
BEGIN SELECT RAISE(ABORT, '{ONLY_FORWARD}'); END""",
    # REPLACE would delete a version without a word and put another in its place.
    "DROP TRIGGER IF EXISTS tieringmodel_not_replaced",
    f"""CREATE TRIGGER tieringmodel_not_replaced BEFORE INSERT ON {TABLE}
WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE status <> 'draft' AND (id = NEW.id OR number = NEW.number
             OR (status = 'published' AND NEW.status = 'published')))
BEGIN SELECT RAISE(ABORT, '{NEVER_CHANGES}'); END""",  # noqa: S608  # constants of this module
)

POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION tieringmodel_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'draft' THEN
      RAISE EXCEPTION '{NOT_DELETED}' USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.status <> 'draft' AND ({_changed("IS DISTINCT FROM")}) THEN
    RAISE EXCEPTION '{NEVER_CHANGES}' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status IS DISTINCT FROM OLD.status AND NOT {FORWARD} THEN
    RAISE EXCEPTION '{ONLY_FORWARD}' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$""",
    f"DROP TRIGGER IF EXISTS tieringmodel_stays ON {TABLE}",
    f"""CREATE TRIGGER tieringmodel_stays BEFORE UPDATE OR DELETE ON {TABLE}
FOR EACH ROW EXECUTE FUNCTION tieringmodel_stays()""",
)


def ensure_triggers(*, using: str) -> None:
    """Make the triggers of this database anew; safe to repeat, and nothing while the table is not there."""
    connection = connections[using]
    statements = {"sqlite": SQLITE, "postgresql": POSTGRESQL}[connection.vendor]
    if TABLE not in connection.introspection.table_names():
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def ensure_triggers_after_migrate(*, using: str, **kwargs: Any) -> None:
    ensure_triggers(using=using)
