"""Tighten: what a run keeps of everybody lies in its chunks now."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('allocation', '0005_standings_from_decisions'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='tierdecision',
            name='explanation',
        ),
        migrations.RemoveField(
            model_name='tierdecision',
            name='facts_digest',
        ),
        migrations.RemoveField(
            model_name='tierdecision',
            name='goals_digest',
        ),
        migrations.RemoveField(
            model_name='tierdecision',
            name='lifecycle',
        ),
    ]
