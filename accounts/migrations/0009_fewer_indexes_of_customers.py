"""Indexes of customers that nobody asks, and that every import and every change of tier wrote.

A key's index is no longer doubled by one for words by their beginning (PostgreSQL; parts of words are found by `customer_by_part`), nor
that of CSM and status by one of the CSM alone. They are dropped as they are found: to alter the fields would make SQLite write the
whole table again, and lose what hangs on it.
"""

import django.db.models.deletion
from django.db import migrations, models

OF_THE_CSM, OF_THE_NAME, BY_BEGINNING = ["csm_id"], ["name"], "varchar_pattern_ops"


def drop(apps, schema_editor):
    connection = schema_editor.connection
    table = apps.get_model("accounts", "Customer")._meta.db_table
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
        idle = {
            name
            for name, index in found.items()
            if index["index"] and not index["unique"] and index["columns"] in (OF_THE_CSM, OF_THE_NAME)
        }
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass",
                [table],
            )
            idle |= {name for name, said in cursor.fetchall() if BY_BEGINNING in said}
    for name in sorted(idle):
        schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_find_customers_by_part")]

    operations = [
        migrations.SeparateDatabaseAndState(
            # Nothing is lost without them: whoever goes back has them no more.
            database_operations=[migrations.RunPython(drop, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="customer",
                    name="csm",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customers",
                        to="accounts.csm",
                        verbose_name="CSM",
                    ),
                ),
                migrations.AlterField(
                    model_name="customer", name="name", field=models.CharField(max_length=200)
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="customer", index=models.Index(fields=["name"], name="customer_by_name")
        ),
    ]
