"""Ask, change, copy, share, put away, cancel and draft: who may, what is left, and what is refused."""

import json
from decimal import Decimal

import pytest
from django.utils import timezone

from allocation.engine.packing import unpack
from allocation.models import AllocationPolicy, AnswerStatus, NamedTiers, Scenario, TieringModel
from allocation.selectors.scenario_figures import tier_names
from allocation.selectors.scenario_movers import mover_lines, movers_of, named_movers
from allocation.selectors.scenario_words import NOTHING, changes_in_words
from allocation.services.scenarios import (
    UnableToAskScenario,
    UnableToCancelScenario,
    UnableToComputeScenario,
    UnableToDraftScenario,
    UnableToKeepScenario,
    ask_again,
    cancel_scenario,
    change_scenario,
    compute_scenario,
    copy_scenario,
    draft_model_of,
    draft_policy_of,
    retire_scenario,
    share_scenario,
)
from tests.factories import TODAY, UserFactory
from tests.services.scenarios.world import asked, checksums, company, computed

pytestmark = pytest.mark.django_db

WISHED = {"engagement": {"as": "wished"}}


def clock():
    return {"at": timezone.now(), "on": TODAY}


def compute(row, **more):
    return compute_scenario(scenario_id=row.pk, owner="test", on=TODAY, **more)


@pytest.fixture(autouse=True)
def there(cast):
    return company(cast)


# Asking


@pytest.mark.parametrize("who", ["csm_a", "nobody"])
def test_only_ops_and_managers_ask(cast, who):
    with pytest.raises(UnableToAskScenario, match="asked by CS ops and managers"):
        asked(getattr(cast, who))


def test_all_faults_of_a_definition_are_told_model_and_policy_together(cast):
    with pytest.raises(UnableToAskScenario) as refused:
        asked(
            cast.ops,
            name=" ",
            model={"weights": {"Fun": 1}},
            policy={"weight_hours": 10_001, "vertical_fit": "maybe"},
        )
    said = refused.value.faults
    assert "A scenario needs a name." in said
    assert any("no criterion “Fun”; there is: ARR, Expansion potential, Health" in one for one in said)
    assert any("vertical_fit" in one and "maybe" in one for one in said)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("\0", "the character NUL"),
        (float("nan"), "cannot be stored"),
        ("\ud800", "cannot be stored"),  # half a character
        ("x" * 1_000_001, "that is no scenario"),
        (json.loads("[" * 60 + "]" * 60), "nested more than 50 levels deep"),
    ],
)
def test_what_no_database_would_take_is_refused_with_a_sentence(cast, odd, said):
    with pytest.raises(UnableToAskScenario, match=said):
        asked(cast.ops, model={"definition": {"segments": odd}})
    if isinstance(odd, str):
        with pytest.raises(UnableToAskScenario):
            asked(cast.ops, name=f"A{odd}")


def test_limits_of_the_policys_table_are_told_as_its_own_page_tells_them(cast):
    with pytest.raises(UnableToAskScenario, match="A weight is 0 to 10"):
        asked(cast.ops, policy={"weight_hours": 10_001})
    assert AllocationPolicy.objects.get(is_active=True).weight_hours == 60


def test_a_bound_that_makes_no_model_is_told_as_the_editor_tells_it(cast):
    with pytest.raises(UnableToAskScenario, match="All weights are zero"):
        asked(cast.ops, model={"weights": dict.fromkeys(
            ("ARR", "Expansion potential", "Health", "Adoption", "Reputation"), 0)})  # fmt: skip


def test_a_name_is_ones_own_once_until_the_scenario_is_put_away(cast):
    row = asked(cast.ops, "Mine")
    with pytest.raises(UnableToAskScenario, match="“Mine” already"):
        asked(cast.ops, "Mine")
    asked(cast.manager, "Mine")
    compute(row)
    retire_scenario(scenario_id=row.pk, actor=cast.ops, at=timezone.now())
    asked(cast.ops, "Mine")


def test_another_question_is_queued_anew_and_the_old_answer_goes(cast):
    row = computed(cast.manager)
    change_scenario(
        scenario_id=row.pk, name="Other", words="Why", definition=WISHED, actor=cast.manager, **clock()
    )
    row.refresh_from_db()
    assert (row.status, row.result, row.movers, row.as_of) == (AnswerStatus.QUEUED, {}, None, None)
    assert compute(row)
    row.refresh_from_db()
    assert row.result["tiers"]["global"] == 14


def test_who_computes_the_old_question_can_write_nothing_any_more(cast):
    row = asked(cast.ops)
    fence = Scenario.objects.claim(row.pk, owner="slow", waiting=["queued"], working="computing")
    change_scenario(scenario_id=row.pk, name="Other", words="", definition=WISHED, actor=cast.ops, **clock())
    assert not Scenario.objects.finish(row.pk, fence=fence, status="done", as_of=TODAY, result={"old": 1})
    assert compute(row)


def test_the_same_question_can_be_asked_again_of_todays_customers(cast, there):
    row = computed(cast.ops)
    type(there.S3).objects.filter(pk=there.S3.pk).update(arr=Decimal(2_000_000))
    ask_again(scenario_id=row.pk, actor=cast.ops, **clock())
    compute(row)
    row.refresh_from_db()
    assert row.result["moves"] == 1


def test_a_manager_changes_the_own_ones_only_and_copies_what_is_shared(cast):
    row = computed(cast.ops, **WISHED)
    given = {"scenario_id": row.pk, "actor": cast.manager}
    with pytest.raises(UnableToAskScenario, match=f"There is no scenario {row.pk}"):
        copy_scenario(**given, **clock())
    share_scenario(scenario_id=row.pk, shared=True, actor=cast.ops)
    with pytest.raises(UnableToAskScenario, match="somebody else's"):
        change_scenario(**given, name="X", words="", definition={}, **clock())
    with pytest.raises(UnableToKeepScenario, match="somebody else's"):
        share_scenario(**given, shared=False)
    copy = copy_scenario(**given, **clock())
    again = copy_scenario(**given, **clock())
    assert (copy.name, again.name) == ("What if (copy)", "What if (copy 2)")
    assert (copy.owner, copy.definition, copy.status) == (cast.manager, WISHED, "queued")


def test_a_manager_cannot_find_out_by_asking_whether_another_team_has_a_csm(cast):
    """Named or made up: the answer is the same sentence. What a copy inherits stays in it."""
    theirs, own = cast.csm_b.csm, cast.csm_a.csm
    said = {}
    for name in (theirs.email, theirs.name, "nobody@example.com"):
        with pytest.raises(UnableToAskScenario) as refusal:
            asked(cast.manager, roster={"without": [name]})
        said[name] = str(refusal.value).replace(name, "NAME")
    assert len(set(said.values())) == 1
    asked(cast.manager, roster={"without": [own.email]})
    row = asked(cast.ops, "Of ops", roster={"without": [theirs.email]})
    share_scenario(scenario_id=row.pk, shared=True, actor=cast.ops)
    copy = copy_scenario(scenario_id=row.pk, actor=cast.manager, **clock())
    given = {"scenario_id": copy.pk, "words": "", "actor": cast.manager, **clock()}
    change_scenario(name="Mine", definition=row.definition, **given)
    with pytest.raises(UnableToAskScenario, match="no CSM"):
        change_scenario(name="Mine", definition={"roster": {"without": [theirs.email, theirs.name]}}, **given)


def test_what_is_put_away_is_not_asked_again(cast):
    row = asked(cast.ops)
    with pytest.raises(UnableToKeepScenario, match="being computed"):
        retire_scenario(scenario_id=row.pk, actor=cast.ops, at=timezone.now())
    compute(row)
    retire_scenario(scenario_id=row.pk, actor=cast.ops, at=timezone.now())
    with pytest.raises(UnableToAskScenario, match="was put away"):
        ask_again(scenario_id=row.pk, actor=cast.ops, **clock())


# Computing


def test_movers_are_kept_and_shown_to_who_may_see_them(cast, there):
    row = computed(cast.ops, **WISHED)
    kept, everybody = unpack(row.movers).integers, named_movers(scenario=row, user=cast.ops)
    names = [*(f"E{n}" for n in range(5)), *(f"S{n}" for n in range(1, 8))]  # E4 goes down, to Scale
    assert [mover["external_id"] for mover in everybody] == names
    assert len(kept["customer"]) == row.result["moves"] == 12
    lead = UserFactory(role="manager")
    tiers = tier_names()
    assert named_movers(scenario=row, user=lead) == movers_of(scenario=row, user=lead, names=tiers) == []
    some = movers_of(scenario=row, user=cast.manager, names=tiers)
    lines = mover_lines(rows=some, names=tiers, user=cast.manager)
    assert {line.customer.csm_id for line in lines} <= {there.ada.pk}
    assert len(named_movers(scenario=row, user=cast.manager)) == len(lines) > 0
    up = movers_of(scenario=row, user=None, names=tiers, was="scale", to="global")
    lines = mover_lines(rows=up, names=tiers, user=cast.ops)
    assert {line.customer.external_id for line in lines} == {f"S{n}" for n in range(1, 8)}


def test_a_scenario_is_computed_once_and_a_second_bell_does_nothing(cast):
    row = asked(cast.ops)
    assert compute(row)
    assert not compute(row)


def test_what_cannot_be_computed_any_more_fails_with_the_sentence(cast):
    row = asked(cast.ops, tiers={"global": {"cap": 3}})
    Scenario.objects.filter(pk=row.pk).update(definition={"tiers": {"gold": {"cap": 3}}})
    with pytest.raises(UnableToComputeScenario, match="no tier “gold”"):
        compute(row)
    row.refresh_from_db()
    assert row.status == AnswerStatus.FAILED and "there is: global, enterprise, scale" in row.message


def test_without_a_published_model_the_sentence_says_what_to_do(cast):
    row = asked(cast.ops)
    TieringModel.objects.filter(status="published").update(status="retired")
    with pytest.raises(UnableToComputeScenario, match="publish one first, or name the version"):
        compute(row)


def test_who_waits_is_discarded_at_once(cast):
    row = asked(cast.ops)
    assert "Cancelled by Olga Ops" in cancel_scenario(scenario_id=row.pk, actor=cast.ops, at=timezone.now())
    row.refresh_from_db()
    assert row.status == AnswerStatus.DISCARDED
    assert not compute(row)
    with pytest.raises(UnableToCancelScenario, match="only a scenario that waits"):
        cancel_scenario(scenario_id=row.pk, actor=cast.ops, at=timezone.now())


def test_one_that_is_computed_stops_at_its_next_step_and_keeps_nothing(cast, monkeypatch):
    from allocation.selectors import scenario_worked

    row, real = asked(cast.ops), scenario_worked._read

    def cancelled_meanwhile(*given):
        said = cancel_scenario(scenario_id=row.pk, actor=cast.ops, at=timezone.now())
        assert "within a few seconds" in said
        return real(*given)

    monkeypatch.setattr(scenario_worked, "_read", cancelled_meanwhile)
    assert not compute(row)
    row.refresh_from_db()
    assert (row.status, row.result, row.movers) == (AnswerStatus.DISCARDED, {}, None)
    assert row.was_stopped


def test_books_that_are_being_planned_stop_when_somebody_cancels(cast, monkeypatch):
    from allocation.selectors import scenario_worked
    from allocation.services.scenarios import computing

    row, real, heard = asked(cast.ops, books="planned anew"), scenario_worked.propose_books, []

    def cancelled_meanwhile(*, should_stop, **given):
        assert not should_stop()
        cancel_scenario(scenario_id=row.pk, actor=cast.ops, at=timezone.now())
        heard.append(should_stop())
        return real(should_stop=should_stop, **given)

    monkeypatch.setattr(computing, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(scenario_worked, "propose_books", cancelled_meanwhile)
    assert not compute(row)
    row.refresh_from_db()
    assert heard == [True]
    assert (row.status, row.result) == (AnswerStatus.DISCARDED, {})


def test_a_plan_that_is_stopped_early_is_the_best_so_far(cast):
    row = asked(cast.ops, books="planned anew", roster={"add": [{"heads": 2}]})
    assert compute(row, should_stop=lambda: True)
    row.refresh_from_db()
    assert row.result["books"]["assigned"] == 16


def test_a_manager_cannot_cancel_what_is_not_hers(cast):
    row = asked(cast.ops)
    with pytest.raises(UnableToCancelScenario, match="There is no scenario"):
        cancel_scenario(scenario_id=row.pk, actor=cast.manager, at=timezone.now())


# Drafting

CHANGED = {
    "model": {"weights": {"ARR": 1}, "bounds": [{"rule": "Global", "attribute": "arr", "value": 300_000}]}
}


def test_a_draft_is_the_very_document_that_was_computed(cast):
    row = computed(cast.ops, **CHANGED)
    draft = draft_model_of(scenario_id=row.pk, actor=cast.ops)
    published = TieringModel.objects.get(status="published")
    assert (draft.status, draft.name, draft.created_by) == ("draft", "What if (scenario)", cast.ops)
    assert draft.definition["criteria"][0]["weight"] == 1
    assert draft.definition["segments"][0]["when"][0]["value"] == 300_000
    assert published.definition["criteria"][0]["weight"] == 4
    by_version = computed(cast.ops, "Version", model={"version": draft.number})
    row.refresh_from_db()
    assert by_version.result == row.result
    assert row.drafted_model == draft
    with pytest.raises(UnableToDraftScenario, match=f"Version {draft.number} was drafted"):
        draft_model_of(scenario_id=row.pk, actor=cast.ops)


def test_a_policy_is_a_resting_copy_with_the_changed_fields_and_the_named_tiers(cast, there):
    NamedTiers.objects.create(policy=there.policy, csm=there.ada)
    row = computed(cast.ops, policy={"max_moves_pct": "20", "country_law": True})
    made = draft_policy_of(scenario_id=row.pk, actor=cast.ops)
    assert (made.name, made.is_active) == ("What if (scenario)", False)
    assert (made.max_moves_pct, made.country_law, made.weight_hours) == (20, True, there.policy.weight_hours)
    assert NamedTiers.objects.filter(policy=made, csm=there.ada).exists()
    there.policy.refresh_from_db()
    assert (there.policy.max_moves_pct, there.policy.country_law) == (10, False)


def test_only_ops_draft_and_only_where_something_is_changed(cast):
    row = computed(cast.manager, **CHANGED)
    with pytest.raises(UnableToDraftScenario, match="Only CS ops"):
        draft_model_of(scenario_id=row.pk, actor=cast.manager)
    plain = computed(cast.ops, **WISHED)
    before = checksums()
    with pytest.raises(UnableToDraftScenario, match="nothing of the model's rules"):
        draft_model_of(scenario_id=plain.pk, actor=cast.ops)
    with pytest.raises(UnableToDraftScenario, match="nothing of the allocation policy"):
        draft_policy_of(scenario_id=plain.pk, actor=cast.ops)
    assert checksums() == before


# Words


def test_each_change_is_one_sentence():
    assert changes_in_words({}) == (NOTHING,)
    assert changes_in_words(
        {
            "model": {**CHANGED["model"], "guards": "run out"},
            "tiers": {"global": {"cap": 8, "hours_a_year": 240}, "scale": {"cap": None}},
            "policy": {"max_moves_pct": 20},
            "roster": {"add": [{"heads": 2, "verticals": ["Telco"]}], "without": ["Cleo Book"]},
            "goals": {"close": ["adoption"], "open": [{"kind": "expansion", "where": {"tier": ["scale"]}}]},
            "engagement": {"as": "wished"},
            "amounts": [{"attribute": "arr", "change_pct": -10}],
            "books": "planned anew",
        }
    ) == (
        "Weight of ARR 1 instead of 4.",
        "Bound of ARR in “Global” 300,000 instead of 750,000.",
        "Minimum stay, dead band and renewal freeze hold nobody back any more.",
        "Global: cap 8 instead of 6.",
        "Global: 20:00 hours a month each instead of the touch plan.",
        "Scale: no cap instead of 40.",
        "Policy, max moves pct: 20 instead of 10.",
        "Two more CSMs for Telco.",
        "Cleo Book is not there.",
        "Goals “Adoption” are closed.",
        "A goal “Expansion” is opened for customers of tier scale.",
        "Every customer gets the engagement it wishes; who has said nothing keeps the tier of the model.",
        "ARR of everyone −10 %.",
        "The books are planned anew.",
    )


def test_of_a_definition_with_faults_the_faults_are_told():
    assert changes_in_words({"tiers": {"gold": {}}})[0].startswith("The tiers: there is no tier “gold”")
