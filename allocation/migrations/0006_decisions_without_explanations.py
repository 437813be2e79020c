"""Tighten: what a run keeps of everybody lies in its chunks now."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('allocation', '0005_standings_from_decisions'),
    ]

    operations = [
        # With a default, so that the way back finds something to put there.
        migrations.AlterField(
            model_name='tierdecision',
            name='facts_digest',
            field=models.CharField(default='', max_length=64),
        ),
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
