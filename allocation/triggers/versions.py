"""A published version of the tiering model never changes. One that a run used is also protected by its foreign key."""

from __future__ import annotations

from allocation.triggers.rules import Kept, Rule, differs, never_deleted

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

FORWARD = "((OLD.status = 'draft' AND NEW.status = 'published') OR (OLD.status = 'published' AND NEW.status = 'retired'))"

VERSIONS = Kept(
    TABLE,
    (
        Rule("never_changes", "UPDATE", f"OLD.status <> 'draft' AND {differs(*SUBSTANCE)}", NEVER_CHANGES),
        Rule("only_forward", "UPDATE", f"NEW.status <=> OLD.status AND NOT {FORWARD}", ONLY_FORWARD),
        never_deleted(NOT_DELETED, when="OLD.status <> 'draft'"),
    ),
)

# On SQLite, REPLACE would delete a version without a word and put another in its place.
SQLITE_ONLY_NAMES = ("tieringmodel_not_replaced",)
SQLITE_ONLY = (
    "DROP TRIGGER IF EXISTS tieringmodel_not_replaced",
    f"""CREATE TRIGGER tieringmodel_not_replaced BEFORE INSERT ON {TABLE}
WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE status <> 'draft' AND (id = NEW.id OR number = NEW.number
             OR (status = 'published' AND NEW.status = 'published')))
BEGIN SELECT RAISE(ABORT, '{NEVER_CHANGES}'); END""",  # noqa: S608  # constants of this module
)
