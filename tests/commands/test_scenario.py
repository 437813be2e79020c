"""`scenario FILE`: the published keys, files that are refused, rights, and three playbooks through the public door."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Customer, GoalKind, Tier
from allocation.models import RetierRun, Scenario
from tests.factories import CSMFactory, CustomerFactory, GoalFactory
from tests.services.scenarios.world import checksums

pytestmark = pytest.mark.django_db

KEYS = {
    "name", "tiers", "moves", "movers", "hours_asked", "hours_there", "heads", "heads_there", "cost", "arr_by_tier",
    "balance", "flows", "books", "today",
}  # fmt: skip


@pytest.fixture
def ask(tmp_path):
    def call(content, **options):
        file = tmp_path / "scenario.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        out = io.StringIO()
        options = {"format": "json", **options}
        call_command("scenario", str(file), stdout=out, stderr=io.StringIO(), **options)
        return json.loads(out.getvalue()) if options["format"] == "json" else out.getvalue()

    return call


def told(*words, **options):
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO(), format="json", **options)
    return json.loads(out.getvalue())


def playbook(slug, arrs):
    """The playbook in force, with customers of these amounts, in tiers and books."""
    told("load_playbook", slug, publish=True)
    for n, arr in enumerate(arrs):
        CustomerFactory(external_id=f"C{n:02}", arr=arr, employees=100, adoption=50, health=50)
    for n in range(2):
        CSMFactory(name=f"Book {n}")
    told("retier", apply=True)


def test_three_axes_with_caps_of_8_20_and_60_asks_the_same_hours_and_fewer_heads(ask, db):
    playbook("three-axis", [900_000] * 26 + [300_000] * 4)
    before = checksums()
    found = ask({"scenarios": [
        {"name": "As it is"},
        {"name": "Caps", "tiers": {"global": {"cap": 8}, "enterprise": {"cap": 20}, "scale": {"cap": 60}}},
        {"name": "Planned", "books": "planned anew", "roster": {"add": [{"heads": 2}]}},
    ]})  # fmt: skip
    assert checksums() == before
    now, caps, planned = found["scenarios"]
    assert set(now) == KEYS and set(now["today"]) == KEYS - {"name", "movers", "today"}
    assert now["tiers"] == {"global": 26, "enterprise": 4, "scale": 0}
    assert now["hours_asked"] == caps["hours_asked"] == 26 * 16 + 4 * 6.5
    # 26 ÷ 6 heads by the cap of Global, rounded up; with the caps of the scenario hours decide: 442 ÷ 120.
    assert (now["heads"], caps["heads"]) == (5, 4)
    assert now["arr_by_tier"] == {"global": 23_400_000, "enterprise": 1_200_000, "scale": 0}
    assert planned["heads_there"] == 4 and planned["books"]["assigned"] + planned["books"]["unassigned"] == 30


def test_touch_by_goal_a_goal_opened_for_everybody_asks_for_high_touch(ask, db):
    playbook("touch-by-goal", [300_000, 300_000, 20_000, 20_000])
    high = set(Tier.objects.filter(touch_level="high").values_list("slug", flat=True))
    found = ask(
        {"name": "At risk", "goals": {"open": [{"kind": "risk-mitigation"}]}, "model": {"guards": "run out"}}
    )
    (opened,) = found["scenarios"]
    assert sum(count for slug, count in opened["tiers"].items() if slug in high) == 4
    assert opened["hours_asked"] > opened["today"]["hours_asked"]
    kind = GoalKind.objects.get(slug="risk-mitigation")
    for customer in Customer.objects.order_by("pk"):
        GoalFactory(customer=customer, kind=kind, starts_on=timezone.localdate())
    run = told("retier")
    assert {slug: n for slug, n in run["tiers"].items() if n} == {
        slug: n for slug, n in opened["tiers"].items() if n
    }


def test_even_split_by_wish_follows_the_wish_where_there_is_a_tier_of_that_level(ask, db):
    playbook("even-split", [10_000 * n for n in range(1, 13)])
    top = Tier.objects.filter(retired=False).order_by("rank").first()
    Customer.objects.update(wished_engagement=top.touch_level)
    found = ask({"name": "Chosen", "engagement": {"as": "wished"}})
    (chosen,) = found["scenarios"]
    run = told("retier")
    levels = {tier.slug: tier.touch_level for tier in Tier.objects.all()}
    assert {levels[slug] for slug, n in chosen["tiers"].items() if n} == {top.touch_level}
    assert ask({"name": "Plain"})["scenarios"][0]["tiers"] == run["tiers"]


def test_with_keep_the_row_holds_the_same_answer(ask, cast):
    playbook("three-axis", [900_000, 10_000])
    plain = ask({"name": "Kept", "words": "Why", "definition": {"engagement": {"as": "wished"}}})
    kept = ask(
        {"name": "Kept", "words": "Why", "definition": {"engagement": {"as": "wished"}}},
        keep=True, acting="manager@example.com",
    )  # fmt: skip
    row = Scenario.objects.get()
    assert kept["scenarios"][0].pop("scenario") == row.pk
    assert kept == plain
    assert (row.name, row.words, row.owner, row.status) == ("Kept", "Why", cast.manager, "done")
    with pytest.raises(CommandError, match="“Kept” already"):
        ask({"name": "Kept"}, keep=True, acting="manager@example.com")


def test_a_manager_reads_figures_of_all_and_movers_of_the_own_teams(ask, cast):
    playbook("three-axis", [900_000, 10_000, 20_000])
    Customer.objects.filter(external_id="C01").update(csm=cast.csm_a.csm, csm_since=timezone.localdate())
    bound = {
        "model": {"guards": "run out", "bounds": [{"rule": "Enterprise", "attribute": "arr", "value": 5_000}]}
    }
    own = ask({"name": "Low", **bound}, acting="manager@example.com")["scenarios"][0]
    every = ask({"name": "Low", **bound}, acting="ops@example.com")["scenarios"][0]
    assert own["moves"] == every["moves"] == 2
    assert [one["external_id"] for one in own["movers"]] == ["C01"]
    assert [one["external_id"] for one in every["movers"]] == ["C01", "C02"]


@pytest.mark.parametrize("who", ["csm-a@example.com", "nobody@example.com"])
def test_others_are_refused(ask, cast, who):
    with pytest.raises(CommandError, match="CS ops and managers"):
        ask({"name": "X"}, acting=who)


BAD = [
    ("{", "is no JSON"),
    ("[]", "must hold one scenario, an object"),
    ('{"scenarios": []}', "at least one"),
    ('{"scenarios": [3]}', "must hold one scenario"),
    ('{"scenarios": [{"name": "A"}], "name": "B"}', "nothing beside it"),
    ("{}", "Scenario 1 has no name"),
    ('{"name": 3}', "has no name"),
    ('{"scenarios": [{"name": "A"}, {"name": "A"}]}', "two scenarios called “A”"),
    ('{"name": "A", "definition": {}, "books": "planned anew"}', "not both"),
    ('{"name": "A", "words": 3}', "the words must be text"),
    ('{"name": "A", "boooks": 3}', "Scenario “A”: The scenario has an unknown part “boooks”"),
    ('{"name": "A", "definition": []}', "must be an object"),
    ("[" * 100_000, "is no JSON"),
]


@pytest.mark.parametrize(("content", "said"), BAD)
def test_a_bad_file_is_refused_with_a_sentence(ask, db, content, said):
    with pytest.raises(CommandError, match=said):
        ask(content)
    assert not Scenario.objects.exists()


def test_a_file_that_is_not_there_is_refused(db, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("scenario", str(tmp_path / "none.json"))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("scenario", str(tmp_path))


def test_without_a_model_the_sentence_says_what_to_do(ask, db):
    with pytest.raises(CommandError, match="No tiering model is published"):
        ask({"name": "A"})


def test_people_read_it_as_lines(ask, db):
    playbook("three-axis", [900_000, 10_000])
    said = ask({"name": "Chosen", "engagement": {"as": "wished", "without_a_wish": "highest"}}, format="text")
    assert "Today: global 1, enterprise 0, scale 1; 18:12 hours a month asked of 240:00 there" in said
    assert "Chosen: global 2, enterprise 0, scale 0; 32:00 hours a month asked" in said
    assert "scale → global: 1 customer" in said
    assert not RetierRun.objects.exclude(status="applied").exists()


def test_a_manager_is_not_told_which_csms_there_are(ask, cast):
    odd = {"name": "Odd", "roster": {"without": ["Nobody"]}}
    for person, names in ((cast.ops, True), (cast.manager, False)):
        with pytest.raises(CommandError) as refused:
            ask(odd, acting=person.email)
        assert "there is no CSM “Nobody”" in str(refused.value)
        assert (cast.csm_b.csm.name in str(refused.value)) is names
