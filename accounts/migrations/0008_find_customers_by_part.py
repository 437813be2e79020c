"""An index that finds a part of a name or an external id among a million customers (PostgreSQL with pg_trgm).

A convenience, never a condition: where the extension is not there or may not be made by this role, the search reads the
customers one after the other, and `docs/figures.md` says what an administrator of the database runs later.
"""

from django.db import migrations, transaction
from django.db.utils import Error

EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
# As Django writes `icontains`.
INDEX = (
    "CREATE INDEX IF NOT EXISTS customer_by_part ON accounts_customer"
    " USING gin (upper(name::text) gin_trgm_ops, upper(external_id::text) gin_trgm_ops)"
)
# Not allowed, no file of that extension, not offered, and an extension in a schema that is not looked at.
REFUSED = {"42501", "58P01", "0A000", "42704"}


def make(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(EXTENSION)
            cursor.execute(INDEX)
    except Error as refusal:
        if getattr(refusal.__cause__, "sqlstate", None) not in REFUSED:
            raise  # a lock that was waited for in vain, a full disk: migrate again


def drop(apps, schema_editor):
    """The extension stays: others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS customer_by_part")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_open_seats")]

    operations = [migrations.RunPython(make, drop)]
