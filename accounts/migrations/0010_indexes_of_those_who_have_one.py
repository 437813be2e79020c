"""Indexes of parents, paid tiers and who gave a sentiment hold the customers that have one; that of books those with CSM or tier.

A new customer mostly has none of them, and an import wrote an entry of nothing for each. The whole indexes are dropped as they are
found: to alter the fields would make SQLite write the whole table again, and lose what hangs on it.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

COLUMNS = ("parent_id", "sentiment_by_id", "paid_tier_id")


def drop(apps, schema_editor):
    connection = schema_editor.connection
    table = apps.get_model("accounts", "Customer")._meta.db_table
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    for name, index in sorted(found.items()):
        if index["index"] and not index["unique"] and index["columns"] in [[column] for column in COLUMNS]:
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(name)}")


def make_whole_ones(apps, schema_editor):
    table = apps.get_model("accounts", "Customer")._meta.db_table
    for column in COLUMNS:
        schema_editor.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")


def _where_there(field, name):
    return migrations.AddIndex(
        model_name="customer",
        index=models.Index(fields=[field], condition=Q(**{f"{field}__isnull": False}), name=name),
    )


def _without_index(name, to, related_name, **others):
    field = models.ForeignKey(
        blank=True,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=to,
        **others,
    )
    return migrations.AlterField(model_name="customer", name=name, field=field)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_fewer_indexes_of_customers")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, make_whole_ones)],
            state_operations=[
                _without_index("parent", "accounts.customer", "subsidiaries"),
                _without_index("sentiment_by", settings.AUTH_USER_MODEL, "+", verbose_name="sentiment by"),
                _without_index(
                    "paid_tier",
                    "accounts.tier",
                    "paid_by",
                    help_text="The tier the customer pays for: a floor.",
                ),
            ],
        ),
        migrations.RemoveIndex(model_name="customer", name="customer_by_book"),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                fields=["csm", "status"],
                condition=Q(csm__isnull=False) | Q(tier__isnull=False),
                name="customer_by_book",
            ),
        ),
        _where_there("parent", "customer_by_parent"),
        _where_there("sentiment_by", "customer_by_sentiment_by"),
        _where_there("paid_tier", "customer_by_paid_tier"),
    ]
