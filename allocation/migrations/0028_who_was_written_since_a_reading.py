"""Tables of who was written since a run read. Their triggers (SQLite) are made after every migrate, like all others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("allocation", "0027_ledgers_by_day")]

    operations = [
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.IntegerField(default=1, primary_key=True, serialize=False)),
                ("era", models.CharField(max_length=16)),
                ("number", models.BigIntegerField(default=1)),
                ("everybody", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_row_of_readings")
                ],
            },
        ),
        migrations.CreateModel(
            name="WrittenCustomer",
            fields=[
                ("customer_id", models.IntegerField(primary_key=True, serialize=False)),
                ("reading", models.BigIntegerField()),
            ],
        ),
    ]
