"""What was decided cannot be rewritten: each column of each kind of row, through the ORM and by raw SQL."""

import datetime

import pytest
from django.db import IntegrityError, connection

from allocation.checks import decisions_cannot_be_rewritten
from allocation.models import (
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
)
from allocation.triggers import (
    EVERY,
    drop_triggers_before_migrate,
    ensure_triggers,
    ledger,
    overrides,
    proposals,
)
from tests.factories import TODAY, TierFactory
from tests.triggers.decided import AT, DAY, by_orm, by_sql, deleted, everything, override

pytestmark = pytest.mark.django_db

LATER = TODAY + 7 * DAY
# What may change of such a row, by the name in tests.triggers.decided: everything else is tried.
MAY_CHANGE = {
    "tier_open": {"ends_before"},
    "tier_closed": set(),
    "book_open": {"ends_before"},
    "departure": {"ends_before"},
    "decision": {"status", "words"},
    "move": {"status", "words"},
    "approved": {"status", "ended_by", "ended_at", "ended_words", "begun_at", "warned_at"},
    "asked": {
        "tier", "reason_kind", "words", "evidence", "starts_on", "expires_on", "tier_when_asked", "model_said",
        "status", "version", "due_on", "decided_by", "decided_at", "decided_words", "begun_at", "warned_at",
        "ended_by", "ended_at", "ended_words",
    },
    "edit": set(),
    "objection": {"withdrawn_at", "answer", "answered_by", "answered_at", "answer_words"},
}  # fmt: skip
MODELS = {
    "tier_open": TierHolding,
    "tier_closed": TierHolding,
    "book_open": BookHolding,
    "departure": Departure,
    "decision": TierDecision,
    "move": Move,
    "approved": Override,
    "asked": Override,
    "edit": OverrideEdit,
    "objection": Objection,
}
# Columns an applied run or plan keeps for good; its progress and summary go on while it is undone.
APPLIED = ["as_of", "requested_by", "approved_by", "approved_at", "applied_by", "applied_at"]


@pytest.fixture
def decided(cast):
    return everything(cast)


def frozen():
    """(name, field) of everything that stays; a column that is added later is among them until somebody says it may go."""
    for name, model in MODELS.items():
        for field in model._meta.concrete_fields:
            if field.name not in MAY_CHANGE[name] and not field.primary_key:
                yield pytest.param(name, field.name, id=f"{name}.{field.name}")


def another(row, name, found):
    """A value the field could have as far as its type goes, other than the one it has."""
    field, now = row._meta.get_field(name), getattr(row, row._meta.get_field(name).attname)
    if field.is_relation:
        others = field.related_model._default_manager.exclude(pk=now).order_by("-pk")
        return others.first() or TierFactory()
    kind = field.get_internal_type()
    return {
        "DateField": LATER,
        "DateTimeField": AT + 3 * DAY,
        "BooleanField": not now,
        "DecimalField": 77,
        "PositiveIntegerField": 77,
        "PositiveSmallIntegerField": 2,
        "PositiveBigIntegerField": 77,
        "JSONField": {"another": 1},
    }.get(kind, "manual" if field.choices else "another")


def kept(row):
    return type(row).objects.values().get(pk=row.pk)


@pytest.mark.parametrize(("name", "field"), list(frozen()))
@pytest.mark.parametrize("write", [by_orm, by_sql])
def test_what_was_decided_cannot_be_written_over(decided, name, field, write):
    row = getattr(decided, name)
    value = another(row, field, decided)
    if write is by_sql and isinstance(value, dict):
        value = '{"another": 1}'
    before = kept(row)
    with pytest.raises(IntegrityError, match=r"never|stays|only|anew"):
        write(row, **{field: value})
    assert kept(row) == before


@pytest.mark.parametrize("name", ["run", "plan"])
@pytest.mark.parametrize("field", APPLIED)
@pytest.mark.parametrize("write", [by_orm, by_sql])
def test_who_asked_for_approved_and_applied_it_stays(decided, name, field, write):
    row = getattr(decided, name)
    value = {"as_of": LATER, "approved_at": AT, "applied_at": AT + DAY}.get(field, decided.cast.manager)
    with pytest.raises(IntegrityError, match=proposals.APPLIED_STAYS):
        write(row, **{field: value})


@pytest.mark.parametrize("name", ["tier_open", "book_open", "departure"])
def test_a_ledger_row_is_closed_once(decided, name):
    row = getattr(decided, name)
    by_orm(row, ends_before=TODAY)
    for value in (None, LATER):
        with pytest.raises(IntegrityError, match=ledger.ONLY_CLOSED):
            by_sql(row, ends_before=value)


WAYS = {
    "asked": {"approved", "declined", "withdrawn", "expired"},
    "approved": {"withdrawn", "expired"},
    "declined": set(),
    "withdrawn": set(),
    "expired": set(),
}


@pytest.mark.parametrize("before", WAYS)
@pytest.mark.parametrize("after", WAYS)
@pytest.mark.parametrize("write", [by_orm, by_sql])
def test_an_override_goes_forward_only(decided, before, after, write):
    row = override(decided.cast, decided.three, decided.gold, status=before)
    values = {"status": after}
    if after in ("approved", "declined") and row.decided_by_id is None:
        values |= {"decided_by": decided.cast.manager, "decided_at": AT, "decided_words": "Yes."}
    if after in ("withdrawn", "expired") and row.ended_at is None:
        values |= {"ended_at": AT}
    if after in WAYS[before] or after == before:
        write(row, **values)
        row.refresh_from_db()
        assert row.status == after
        return
    with pytest.raises(IntegrityError, match=overrides.ONLY_FORWARD):
        write(row, status=after)


@pytest.mark.parametrize("field", ["ended_by", "ended_at", "ended_words", "begun_at"])
def test_how_an_override_ended_stays(decided, field):
    row = override(decided.cast, decided.three, decided.gold, status="withdrawn", begun_at=AT)
    with pytest.raises(IntegrityError, match=overrides.DECISION_STAYS):
        by_sql(row, **{field: another(row, field, decided)})


@pytest.mark.parametrize("status", ["approved", "declined"])
@pytest.mark.parametrize("write", [by_orm, by_sql])
def test_nobody_decides_what_he_edited(decided, status, write):
    with pytest.raises(IntegrityError, match=overrides.NOT_BY_EDITOR):
        write(decided.asked, status=status, decided_by=decided.cast.ops, decided_at=AT, decided_words="Yes.")


@pytest.mark.parametrize("write", [by_orm, by_sql])
def test_nobody_decides_what_he_asked_for(decided, write):
    by_himself = {"decided_by": decided.cast.csm_a, "decided_at": AT, "decided_words": "Yes."}
    with pytest.raises(IntegrityError, match=overrides.NOT_BY_EDITOR):
        write(decided.asked, status="approved", **by_himself)


def test_a_request_that_was_decided_is_not_edited_any_more(decided):
    """Or who approved it could have it as somebody else wrote it afterwards."""
    with pytest.raises(IntegrityError, match=overrides.EDITED_TOO_LATE):
        OverrideEdit.objects.create(override=decided.approved, editor=decided.cast.ops, at=AT)


def test_an_objection_is_taken_back_once(decided):
    by_orm(decided.objection, withdrawn_at=AT)
    for value in (None, AT + DAY):
        with pytest.raises(IntegrityError, match=overrides.OBJECTION_STAYS):
            by_sql(decided.objection, withdrawn_at=value)


def test_an_objection_is_answered_once(decided):
    by_orm(
        decided.objection, answer="kept", answered_by=decided.cast.ops, answered_at=AT, answer_words="Stays."
    )
    for values in ({"answer": "refused"}, {"answer_words": "Otherwise."}, {"withdrawn_at": AT}):
        with pytest.raises(IntegrityError, match=overrides.OBJECTION_STAYS):
            by_sql(decided.objection, **values)


ROWS = ["applied", "skipped", "undone", "kept", "proposed"]


@pytest.mark.parametrize("name", ["decision", "move"])
@pytest.mark.parametrize("after", ROWS)
def test_an_applied_row_can_only_be_undone(decided, name, after):
    row = getattr(decided, name)
    if after in ("applied", "undone", "kept"):
        by_sql(row, status=after, words="Its tier was changed.")
        return
    with pytest.raises(IntegrityError, match=proposals.ONLY_FORWARD):
        by_sql(row, status=after)


@pytest.mark.parametrize("name", ["decision", "move"])
@pytest.mark.parametrize("state", ["undone", "kept"])
def test_a_row_that_was_undone_stays_as_it_is(decided, name, state):
    row = getattr(decided, name)
    by_sql(row, status=state, words="Why.")
    for values in ({"status": "applied"}, {"words": "Otherwise."}):
        with pytest.raises(IntegrityError, match=proposals.ONLY_FORWARD):
            by_orm(row, **values)


@pytest.mark.parametrize("status", ["proposed", "awaiting_approval"])
def test_rows_of_an_open_proposal_can_be_reviewed(decided, status):
    """The control: refusing, accepting, re-pointing and approving work while people decide."""
    plan = BookPlan.objects.create(policy=decided.plan.policy, as_of=TODAY, status=status)
    csm_a, csm_b = decided.cast.csm_a.csm, decided.cast.csm_b.csm
    move = Move.objects.create(plan=plan, customer=decided.one, to_csm=csm_a, reason="even")
    by_orm(move, status="refused", refused_by=decided.cast.ops, refused_at=AT, words="No.")
    by_sql(move, status="proposed", refused_by=None, refused_at=None, words="")
    by_orm(
        move,
        to_csm=csm_b,
        planned_csm=csm_a,
        repointed_by=decided.cast.ops,
        repointed_at=AT,
        repoint_words="So.",
    )
    by_sql(move, approved_by=decided.cast.manager, approved_at=AT, approval_words="Yes.")
    run = RetierRun.objects.create(tiering_model=decided.run.tiering_model, as_of=TODAY, status=status)
    row = TierDecision.objects.create(run=run, customer=decided.two, decided_by="rule", reason="large")
    by_sql(row, status="refused", refused_by=decided.cast.ops, refused_at=AT)


@pytest.mark.parametrize("status", ["applying", "applied", "discarded", "stale", "undone"])
def test_rows_of_a_proposal_that_is_over_stay_as_they_were_proposed(decided, status):
    plan = BookPlan.objects.create(policy=decided.plan.policy, as_of=TODAY, status=status)
    move = Move.objects.create(plan=plan, customer=decided.one, to_csm=decided.cast.csm_a.csm, reason="even")
    with pytest.raises(IntegrityError, match=proposals.PROPOSED_STAYS):
        by_sql(move, to_csm=decided.cast.csm_b.csm)


@pytest.mark.postgres
@pytest.mark.parametrize("name", [*MODELS, "run", "plan"])
def test_nothing_that_was_decided_is_deleted(decided, name):
    row = getattr(decided, name)
    with pytest.raises(IntegrityError, match="never deleted"):
        deleted(row)
    assert type(row).objects.filter(pk=row.pk).exists()


def test_each_table_is_kept_in_this_database():
    """The control of all that: the triggers are there, by name."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT event_object_table, trigger_name FROM information_schema.triggers"
                " WHERE trigger_schema = current_schema()"
            )
        found = {table for table, _ in cursor.fetchall()}
    assert {kept.table for kept in EVERY} <= found


def test_a_day_later_is_another_day():
    """LATER and AT must differ from what the rows hold, or nothing would be tried."""
    assert datetime.timedelta(days=7) == LATER - TODAY


def test_a_database_without_its_triggers_says_so():
    """A migrate that failed leaves them away: nobody should find that out by accident."""
    assert decisions_cannot_be_rewritten(None, databases=["default"]) == []
    drop_triggers_before_migrate(using="default")
    told = decisions_cannot_be_rewritten(None, databases=["default"])
    assert {found.id for found in told} == {"allocation.W005"}
    assert len(told) == len(EVERY)
    ensure_triggers(using="default")
    assert decisions_cannot_be_rewritten(None, databases=["default"]) == []
