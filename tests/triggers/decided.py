"""One row of everything that was decided, and the two ways of writing over it: through the ORM and beside it."""

import datetime
from types import SimpleNamespace

from django.db import connection, transaction

from allocation.models import (
    AllocationPolicy,
    BookHolding,
    BookPlan,
    Departure,
    Move,
    Objection,
    Override,
    OverrideEdit,
    RetierRun,
    TierDecision,
    TierHolding,
    TieringModel,
)
from tests.factories import TODAY, CustomerFactory, TierFactory

DAY = datetime.timedelta(days=1)
AT = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)


def by_orm(row, **values):
    with transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(**values)


def by_sql(row, **values):
    named = {row._meta.get_field(name).column: value for name, value in values.items()}
    set_to = ", ".join(f"{name} = %s" for name in named)
    kept = [getattr(value, "pk", value) for value in named.values()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {set_to} WHERE id = %s", [*kept, row.pk])


def deleted(row):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])


def override(cast, customer, tier, *, status="asked", **fields):
    if status in ("approved", "declined"):
        fields |= {"decided_by": cast.manager, "decided_at": AT, "decided_words": "Yes, I know them."}
    if status in ("withdrawn", "expired"):
        fields |= {"ended_by": cast.csm_a, "ended_at": AT, "ended_words": "Not needed."}
    return Override.objects.create(
        customer=customer,
        tier=tier,
        reason_kind="risk",
        words="They may go.",
        starts_on=TODAY,
        expires_on=TODAY + 90 * DAY,
        asked_by=cast.csm_a,
        status=status,
        **fields,
    )


def everything(cast):
    """Names of what was decided, each a row."""
    gold, bronze = TierFactory(slug="gold"), TierFactory(slug="bronze")
    one, two, three = CustomerFactory(), CustomerFactory(), CustomerFactory()
    ada, ben = cast.csm_a.csm, cast.csm_b.csm
    held = {"starts_on": TODAY - 30 * DAY, "source": "import", "actor": cast.ops, "words": "as the file says"}
    model = TieringModel.objects.create(number=1, name="One")
    done = {
        "status": "applied",
        "as_of": TODAY,
        "requested_by": cast.ops,
        "applied_by": cast.ops,
        "applied_at": AT,
    }
    run = RetierRun.objects.create(tiering_model=model, **done)
    plan = BookPlan.objects.create(policy=AllocationPolicy.objects.create(name="P"), **done)
    asked = override(cast, two, gold)
    move = Move.objects.create(
        plan=plan,
        customer=one,
        from_csm=ada,
        to_csm=ben,
        reason="even",
        status="applied",
        previous_since=TODAY,
    )
    return SimpleNamespace(
        cast=cast,
        gold=gold,
        bronze=bronze,
        one=one,
        two=two,
        three=three,
        tier_open=TierHolding.objects.create(customer=one, tier=gold, **held),
        tier_closed=TierHolding.objects.create(customer=two, tier=gold, ends_before=TODAY, **held),
        book_open=BookHolding.objects.create(customer=one, csm=ada, **held),
        departure=Departure.objects.create(customer=three, **held),
        run=run,
        decision=TierDecision.objects.create(
            run=run, customer=one, previous=bronze, suggested=gold, effective=gold, decided_by="rule",
            reason="large", is_move=True, status="applied",
        ),
        plan=plan,
        move=move,
        asked=asked,
        edit=OverrideEdit.objects.create(override=asked, editor=cast.ops, at=AT, before={"tier": "gold"}),
        approved=override(cast, one, bronze, status="approved"),
        objection=Objection.objects.create(
            move=move, csm=ada, by=cast.csm_a, reason_kind="timing", words="Renewal", at=AT
        ),
    )  # fmt: skip
