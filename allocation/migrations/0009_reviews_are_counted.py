from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('allocation', '0008_model_lock'),
    ]

    operations = [
        migrations.AddField(
            model_name='retierrun',
            name='review_version',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
