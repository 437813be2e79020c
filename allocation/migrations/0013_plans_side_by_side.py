import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('allocation', '0012_tiers_named_for_a_csm'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='bookplan',
            name='one_plan_is_being_computed',
        ),
        migrations.AddField(
            model_name='bookplan',
            name='compared_with',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alternatives', to='allocation.bookplan'),
        ),
        migrations.AddField(
            model_name='bookplan',
            name='continuity_weight',
            field=models.DecimalField(blank=True, decimal_places=4, help_text='Points for keeping a CSM. Empty: as the policy says.', max_digits=9, null=True),
        ),
        migrations.AddField(
            model_name='bookplan',
            name='variant',
            field=models.PositiveSmallIntegerField(choices=[(0, 'As the policy says'), (1, 'Only what must move'), (2, 'Fewer moves'), (3, 'More even')], default=0, editable=False),
        ),
        migrations.AddConstraint(
            model_name='bookplan',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'computing'])), fields=('variant',), name='one_plan_is_being_computed', violation_error_message='A book plan is being computed already.'),
        ),
        migrations.AddConstraint(
            model_name='bookplan',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('compared_with__isnull', True), ('variant', 0)), models.Q(('compared_with__isnull', False), ('variant__gt', 0)), _connector='OR'), name='plan_with_a_variant_is_compared'),
        ),
        migrations.AddConstraint(
            model_name='bookplan',
            constraint=models.CheckConstraint(condition=models.Q(('continuity_weight__isnull', True), models.Q(('continuity_weight__gte', 0), ('continuity_weight__lte', 10000)), _connector='OR'), name='plan_continuity_weight_is_a_weight', violation_error_message='A weight is 0 to 10 000.'),
        ),
    ]
