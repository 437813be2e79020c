from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('allocation', '0009_undoing_says_what_it_gives_back'),
    ]

    operations = [
        migrations.AddField(
            model_name='retierrun',
            name='review_version',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
