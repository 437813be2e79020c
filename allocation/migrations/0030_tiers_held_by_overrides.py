"""Who holds a tier by an override is found without reading the whole ledger."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("allocation", "0027_ledgers_by_day")]

    operations = [
        migrations.AddIndex(
            model_name="tierholding",
            index=models.Index(
                condition=models.Q(
                    ("ends_before__isnull", True),
                    models.Q(("source", "override"), ("gives_back", "override"), _connector="OR"),
                ),
                fields=["customer"],
                name="tierholding_by_override",
            ),
        ),
    ]
