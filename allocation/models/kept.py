"""What a run keeps of everybody it decided, in a few bytes each; and which decision each customer stands on."""

from django.db import models
from django.db.models import F, Q

from accounts.models import CSM, Customer, Tier
from accounts.models.checks import between
from accounts.querysets.customers import CustomerPartQuerySet
from allocation.models.statuses import RowStatus
from allocation.models.tiering import RetierRun
from allocation.querysets.decisions import ChunkQuerySet, TallyQuerySet


class RunChunk(models.Model):
    """Facts and outcomes of up to some thousand customers of a run, as packed columns (allocation.engine.kept).

    Applied and undone as one piece: its status says how far that is.
    """

    run = models.ForeignKey(RetierRun, on_delete=models.PROTECT, related_name="chunks")
    first_customer_id = models.BigIntegerField()
    last_customer_id = models.BigIntegerField()
    customers = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=RowStatus.choices, default=RowStatus.PROPOSED)
    facts = models.BinaryField()
    outcomes = models.BinaryField()
    # Whose standing applying it wrote, and what each of them stood on before, so that undoing gives it back.
    stood_on = models.BinaryField(null=True)
    # The how-many-eth chunk it was to be applied, of all runs: a later one has the last word of its customers.
    turn = models.BigIntegerField(null=True)
    # Keys within its span, packed, of customers whom applying it did not decide (skipped, refused, given back since); null: nobody.
    left_out = models.BinaryField(null=True)

    objects = ChunkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "first_customer_id"], name="chunk_once_in_a_run"),
            # Applying is one at a time; and whoever asks for the last turn reads one entry of an index.
            models.UniqueConstraint(fields=["turn"], name="chunk_has_a_turn_of_its_own"),
            models.CheckConstraint(
                name="chunk_keys_rise", condition=Q(last_customer_id__gte=F("first_customer_id"))
            ),
        ]

    def __str__(self) -> str:
        return f"Customers {self.first_customer_id} to {self.last_customer_id} of run {self.run_id}"


class RunTally(models.Model):
    """How many customers of a CSM a run looked at and left as they are, without a row of their own."""

    run = models.ForeignKey(RetierRun, on_delete=models.PROTECT, related_name="tallies")
    csm = models.ForeignKey(CSM, null=True, on_delete=models.PROTECT, related_name="+")
    tier = models.ForeignKey(Tier, null=True, on_delete=models.PROTECT, related_name="+")
    decided_by = models.CharField(max_length=30)
    customers = models.PositiveIntegerField()

    objects = TallyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "run tallies"
        indexes = [models.Index(fields=["run"], name="tally_by_run")]

    def __str__(self) -> str:
        return f"{self.customers} of {self.csm or 'nobody'} stay in {self.tier or 'no tier'}"


class TierStanding(models.Model):
    """The decision a customer stands on, with the run that made it: the last applied one that found anything new of the customer.

    A later full run that found everything the same writes nothing here: that it confirmed the decision is known from its
    chunk (allocation.snapshots.standings).
    """

    customer = models.OneToOneField(
        Customer, primary_key=True, on_delete=models.PROTECT, related_name="standing"
    )
    run = models.ForeignKey(RetierRun, on_delete=models.PROTECT, related_name="standings")
    segment = models.CharField(max_length=200, blank=True)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    decided_by = models.CharField(max_length=30)
    # Digests of goals, status, first renewal and override, and of the open goals alone: what a goals run and the
    # minimum stay compare with.
    lifecycle = models.BigIntegerField()
    goals = models.BigIntegerField()
    # Digest of the whole outcome and of the facts; null: of an earlier version, so the next run writes it once more.
    digest = models.BigIntegerField(null=True)

    objects = CustomerPartQuerySet.as_manager()

    class Meta:
        constraints = [between("score", 0, 100, "standing_score_0_to_100", "A score is 0 to 100.")]

    def __str__(self) -> str:
        return f"{self.customer} stands on run {self.run_id}"
