import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_import_size'),
        ('allocation', '0011_plans_are_reviewed_approved_and_undone'),
    ]

    operations = [
        migrations.CreateModel(
            name='NamedTiers',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'verbose_name': 'tiers named for a CSM',
                'verbose_name_plural': 'tiers named for a CSM',
            },
        ),
        migrations.AddField(
            model_name='allocationpolicy',
            name='approve_top',
            field=models.PositiveIntegerField(default=0, help_text="Moves of this many customers of the highest ARR need a manager's own approval. 0: none do."),
        ),
        migrations.AddField(
            model_name='allocationpolicy',
            name='weight_customers',
            field=models.DecimalField(decimal_places=2, default=0, help_text='Equal numbers of customers, whatever their hours.', max_digits=7),
        ),
        migrations.AddConstraint(
            model_name='allocationpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('weight_customers__isnull', True), models.Q(('weight_customers__gte', 0), ('weight_customers__lte', 10000)), _connector='OR'), name='policy_weight_customers_not_negative', violation_error_message='A weight is 0 to 10 000.'),
        ),
        migrations.AddField(
            model_name='namedtiers',
            name='csm',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.csm', verbose_name='CSM'),
        ),
        migrations.AddField(
            model_name='namedtiers',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='named_tiers', to='allocation.allocationpolicy'),
        ),
        migrations.AddField(
            model_name='namedtiers',
            name='tiers',
            field=models.ManyToManyField(help_text='The only tiers whose customers this CSM is given.', related_name='+', to='accounts.tier'),
        ),
        migrations.AddConstraint(
            model_name='namedtiers',
            constraint=models.UniqueConstraint(fields=('policy', 'csm'), name='one_line_of_tiers_a_csm_and_policy', violation_error_message='This CSM has a line already: name all tiers there.'),
        ),
    ]
