"""Fill: the decision each customer stands on is the last one applied; proposals of the old form are asked for anew.

Digests become the first 64 bits of the 128 they had, so nobody counts as changed by the upgrade.
"""

from django.db import migrations
from django.db.models import Max

BATCH = 500


def whole(digest):
    """The first 16 hexadecimal characters as a signed number of 64 bits."""
    return int.from_bytes(bytes.fromhex(digest[:16] or "00" * 8), "big", signed=True)


def fill(apps, schema_editor):
    TierDecision = apps.get_model("allocation", "TierDecision")
    TierStanding = apps.get_model("allocation", "TierStanding")
    last = TierDecision.objects.filter(status="applied").order_by().values("customer_id").annotate(last=Max("pk"))
    rows = TierDecision.objects.filter(pk__in=last.values("last")).order_by("customer_id")
    TierStanding.objects.bulk_create(
        (
            TierStanding(
                customer_id=row.customer_id, run_id=row.run_id, segment=row.segment, score=row.score,
                decided_by=row.decided_by, lifecycle=whole(row.lifecycle), goals=whole(row.goals_digest),
            )
            for row in rows.iterator(chunk_size=BATCH)
        ),
        batch_size=BATCH,
    )
    runs = apps.get_model("allocation", "RetierRun").objects
    runs.filter(status__in=["applying", "undoing"]).update(
        status="failed", claimed_by="", lease_until=None,
        message="The program was upgraded while this run was applied; start a new run for those it did not reach.",
    )
    runs.filter(status__in=["proposed", "awaiting_approval", "queued", "computing"]).update(
        status="stale", claimed_by="", lease_until=None,
        message="Asked for under an earlier version of the program; start a new run.",
    )


def empty(apps, schema_editor):
    apps.get_model("allocation", "TierStanding").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('allocation', '0004_what_a_run_keeps'),
    ]

    operations = [migrations.RunPython(fill, empty)]
