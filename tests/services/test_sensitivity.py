"""Sensitivity as a job: who may ask, one at a time a version, kept, stopped; and nothing else is written."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from allocation.models import Sensitivity, TieringModel
from allocation.models.scenarios import AnswerStatus
from allocation.selectors.knob_words import EFFECTIVE, SUGGESTED, deciding, far_words, knob_lines, short_words
from allocation.selectors.sensitivity import guards_hold_all, is_of_another_draft, sensitivity_answer
from allocation.services.models import draft_of_version
from allocation.services.playbooks import load_playbook
from allocation.services.sensitivity import (
    UnableToAskSensitivity,
    UnableToCancelSensitivity,
    ask_sensitivity,
    cancel_sensitivity,
    compute_sensitivity,
)
from tests.factories import CLOCK, TODAY, CustomerFactory
from tests.services import retiering_cast
from tests.tasks.test_delivered_again import dump

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(cast):
    """Three-axis in force; nobody has a tier yet, so no guard holds anybody."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for arr in (149_000, 150_000, 151_000, 10):
        CustomerFactory(arr=Decimal(arr))
    return TieringModel.objects.published().get()


def asked(model, actor=None, **more):
    return ask_sensitivity(model_id=model.pk, actor=actor, **CLOCK, **more)


def computed(model, **more):
    this = asked(model)
    assert compute_sensitivity(sensitivity_id=this.pk, owner="test", on=TODAY, **more)
    this.refresh_from_db()
    return this


def bound_at(this):
    """The bound on ARR of 150,000."""
    return next(line for line in knob_lines(result=this.result, counted=EFFECTIVE) if "150,000" in line.name)


def test_it_counts_who_moves_with_their_arr_and_the_way(model):
    this = computed(model)
    assert (this.status, this.as_of, this.result["customers"]) == (AnswerStatus.DONE, TODAY, 4)
    line = bound_at(this)
    down, up = line.downs[0], line.ups[0]
    assert (down.value, down.words, down.customers, down.arr_cents) == (148_500, "−1\u00a0%", 1, 14_900_000)
    assert (up.value, up.customers) == (151_500, 2)
    assert line.first[0].value == 149_000
    assert line.first[1].value == 150_001


def test_nothing_but_its_own_row_is_written(model):
    this = asked(model)
    before = dump()
    compute_sensitivity(sensitivity_id=this.pk, owner="test", on=TODAY)
    after = dump()
    assert before.pop("Sensitivity") != after.pop("Sensitivity")
    assert before == after


def test_what_guards_hold_is_counted_apart(model):
    retiering_cast.applied(as_of=TODAY)
    document = model.definition
    document["guards"]["minimum_stay"] = {"days": 300}
    model = draft_of_version(model_id=model.pk, actor_id=None)
    TieringModel.objects.filter(pk=model.pk).update(definition=document)
    this = computed(model)
    assert guards_hold_all(result=this.result)
    assert deciding(lines=knob_lines(result=this.result, counted=EFFECTIVE), currency="USD") == ()
    later = knob_lines(result=this.result, counted=SUGGESTED)
    assert max(line.moved(0) for line in later) == 2
    assert "guard" not in {line.kind for line in later}
    assert "Guards hold them all for now." in this.message == short_words(this.result)


def test_a_draft_can_be_asked_about_and_a_later_save_of_it_shows(model):
    draft = draft_of_version(model_id=model.pk, actor_id=None)
    this = computed(draft)
    assert not is_of_another_draft(this=Sensitivity.objects.get(pk=this.pk))
    TieringModel.objects.filter(pk=draft.pk).update(digest="another")
    assert is_of_another_draft(this=Sensitivity.objects.get(pk=this.pk))


def test_a_version_with_faults_is_refused_with_its_sentences(model):
    draft = draft_of_version(model_id=model.pk, actor_id=None)
    TieringModel.objects.filter(pk=draft.pk).update(definition={"segments": [], "tiers": []})
    with pytest.raises(UnableToAskSensitivity, match="The last tier rule must have no conditions"):
        asked(draft)
    assert not Sensitivity.objects.exists()


def test_a_fault_that_came_since_it_was_asked_fails_it_with_its_sentence(model):
    draft = draft_of_version(model_id=model.pk, actor_id=None)
    other = asked(draft)
    TieringModel.objects.filter(pk=draft.pk).update(definition={})
    with pytest.raises(UnableToAskSensitivity, match="segments"):
        compute_sensitivity(sensitivity_id=other.pk, owner="test", on=TODAY)
    other.refresh_from_db()
    assert other.status == AnswerStatus.FAILED
    assert "segments" in other.message


def test_only_ops_ask_and_cancel(model, cast):
    for person in (cast.manager, cast.csm_a, cast.nobody):
        with pytest.raises(UnableToAskSensitivity, match="Only CS ops"):
            asked(model, person)
    this = asked(model, cast.ops)
    with pytest.raises(UnableToCancelSensitivity, match="Only CS ops"):
        cancel_sensitivity(sensitivity_id=this.pk, actor=cast.manager, at=timezone.now())


def test_one_at_a_time_for_a_version_by_message_and_by_the_database(model):
    asked(model)
    with pytest.raises(UnableToAskSensitivity, match="being computed already"):
        asked(model)
    with pytest.raises(IntegrityError, match=r"one_sensitivity|tiering_model"), transaction.atomic():
        Sensitivity.objects.create(tiering_model=model, as_of=TODAY)
    asked(draft_of_version(model_id=model.pk, actor_id=None))  # another version may


def test_what_is_not_there_is_refused(model):
    with pytest.raises(UnableToAskSensitivity, match="no such version"):
        ask_sensitivity(model_id=987654, actor=None, **CLOCK)
    with pytest.raises(UnableToCancelSensitivity, match="no such"):
        cancel_sensitivity(sensitivity_id=987654, actor=None, at=timezone.now())


def test_it_is_computed_once(model):
    this = computed(model)
    assert not compute_sensitivity(sensitivity_id=this.pk, owner="late", on=TODAY)


def test_one_that_waits_is_cancelled_at_once(model, cast):
    this = asked(model)
    said = cancel_sensitivity(sensitivity_id=this.pk, actor=cast.ops, at=timezone.now())
    this.refresh_from_db()
    assert (this.status, this.message) == (AnswerStatus.DISCARDED, said)
    assert "nothing of it was kept" in said
    with pytest.raises(UnableToCancelSensitivity, match="discarded"):
        cancel_sensitivity(sensitivity_id=this.pk, actor=cast.ops, at=timezone.now())
    asked(model)  # the way is free


def test_one_that_is_computed_stops_with_the_next_number(model, cast):
    this = asked(model)
    told = []

    def cancels_after_the_second() -> bool:
        told.append(1)
        if len(told) == 2:
            told.append(cancel_sensitivity(sensitivity_id=this.pk, actor=cast.ops, at=timezone.now()))
        return False

    assert not compute_sensitivity(
        sensitivity_id=this.pk, owner="test", on=TODAY, should_stop=cancels_after_the_second
    )
    this.refresh_from_db()
    assert (this.status, this.result) == (AnswerStatus.DISCARDED, {})
    assert told == [1, 1, "It is stopped within a few seconds, and discarded."]


def test_a_runner_that_has_to_stop_leaves_it_to_the_next(model):
    this = asked(model)
    assert not compute_sensitivity(sensitivity_id=this.pk, owner="one", on=TODAY, should_stop=lambda: True)
    this.refresh_from_db()
    assert this.status == AnswerStatus.COMPUTING
    Sensitivity.objects.filter(pk=this.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    tomorrow = TODAY + timedelta(days=1)
    assert compute_sensitivity(sensitivity_id=this.pk, owner="two", on=tomorrow)
    this.refresh_from_db()
    assert (this.status, this.as_of) == (AnswerStatus.DONE, tomorrow)  # the customers are those of that day


def test_a_runner_that_was_overtaken_writes_nothing(model):
    this = asked(model)

    def overtaken() -> bool:
        Sensitivity.objects.filter(pk=this.pk).update(fence=99)
        return False

    assert not compute_sensitivity(sensitivity_id=this.pk, owner="one", on=TODAY, should_stop=overtaken)
    this.refresh_from_db()
    assert this.result == {}


def test_the_command_answer_has_its_keys(model):
    found = sensitivity_answer(this=computed(model))
    assert (found["model_version"], found["as_of"], found["customers"]) == (1, TODAY, 4)
    knob = next(each for each in found["knobs"] if "150,000" in each["name"])
    assert knob["kind"] == "bound"
    assert (knob["value"], knob["step"]) == (150_000, 1)
    assert knob["moves"] == {"-10 %": 1, "-5 %": 1, "-1 %": 1, "+1 %": 2, "+5 %": 2, "+10 %": 2}
    assert knob["first_at"] == {"down": 149_000, "up": 150_001}
    assert knob["one_pct_at"] == {"down": 149_000, "up": 150_001}
    assert knob["arr_moved"]["-1 %"] == 149_000
    assert isinstance(found["as_of"], date)


def test_what_decides_most_stands_first_and_what_nobody_is_near_is_named(model):
    this = computed(model)
    lines = knob_lines(result=this.result, counted=EFFECTIVE)
    assert [line.weight for line in lines] == sorted((line.weight for line in lines), reverse=True)
    assert lines[0].weight == 2 + 2 + 2  # turned up, at all three sizes
    said = deciding(lines=lines, currency="USD")
    assert "+1\u00a0% (151,500 instead of 150,000): 2 customers worth 301.0\u00a0k\u00a0USD move." in str(
        said[0]
    )
    assert far_words(lines=lines).startswith("Nobody is near: ")


def test_numbers_a_scenario_can_name_say_how(model):
    line = bound_at(computed(model))
    assert line.what_if["part"] == "bounds"
    assert line.what_if["attribute"] == "arr"
