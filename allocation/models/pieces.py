"""Work of one plan that several workers share while it is computed; gone when the plan is stored."""

from django.db import models
from django.db.models import Q

from accounts.models import Job
from allocation.models.books import BookPlan
from allocation.models.scenarios import AnswerStatus
from allocation.querysets.pieces import PieceQuerySet


class PlanPiece(Job):
    """One step of the search of one group of a plan (allocation.engine.assignment_steps), and what came of it.

    The plan's runner writes them in order and takes what is free itself, so that none waits for a worker that never comes.
    Pieces of one group name the piece that has its bytes.
    """

    WORKING = ("computing",)  # never applied

    plan = models.ForeignKey(BookPlan, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    status = models.CharField(
        max_length=20, choices=AnswerStatus.choices, default=AnswerStatus.QUEUED, editable=False
    )
    group = models.BinaryField(null=True, editable=False)
    # Pieces of a plan go together, in one statement that reads none of them.
    group_of = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, related_name="+", editable=False
    )
    asked = models.BinaryField(editable=False)
    # Of group and step: who takes the plan over keeps the answers to the same questions.
    digest = models.CharField(max_length=64, editable=False)
    answer = models.BinaryField(null=True, editable=False)
    repeatable = models.BooleanField(default=True, editable=False)

    objects = PieceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="piece_has_its_number_in_a_plan"),
            models.CheckConstraint(
                name="piece_has_a_group_or_names_it",
                condition=Q(group__isnull=True, group_of__isnull=False)
                | Q(group__isnull=False, group_of__isnull=True),
            ),
            models.CheckConstraint(
                name="piece_that_is_done_has_an_answer", condition=~Q(status="done") | Q(answer__isnull=False)
            ),
        ]
        indexes = [models.Index(fields=["status"], name="piece_by_status")]

    def __str__(self) -> str:
        return f"Piece {self.number} of {self.plan}"
