"""An index of the few who hold a tier by an override, whom every run asks for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("allocation", "0028_who_was_written_since_a_reading")]

    operations = [
        migrations.AddIndex(
            model_name="tierholding",
            index=models.Index(
                fields=["customer"],
                condition=models.Q(
                    ("ends_before__isnull", True),
                    models.Q(("source", "override"), ("gives_back", "override"), _connector="OR"),
                ),
                name="tierholding_by_override",
            ),
        ),
    ]
