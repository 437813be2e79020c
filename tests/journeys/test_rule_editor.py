"""CS ops build a rule in a real browser by choosing attribute, operator and value, watch the counts, save and publish."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.journeys.installation import Installation
from tests.journeys.person import PHONE, Person
from tests.journeys.test_admin import STICKS_OUT

# What the browser does with a page is the same over any database: once in a `make check` is enough.
pytestmark = [pytest.mark.journey, pytest.mark.postgres]

LIST = "/admin/allocation/tieringmodel/"
DEMO_CUSTOMERS = 120  # of the installation that the journeys share
ATTRIBUTE = re.compile(": attribute$")  # "Tier rule 3, condition 1: attribute"


@pytest.fixture(scope="module", autouse=True)
def _model_of_the_others(installation: Installation) -> Iterator[None]:
    """The journeys share one installation: what is published here is not what the others count on."""
    yield
    installation.python(
        """
from django.utils import timezone
from allocation.services.playbooks import load_playbook
load_playbook(slug="three-axis", publish=True, at=timezone.now())
"""
    )


@pytest.fixture
def ops(people: dict[str, Person]) -> Person:
    return people["CS ops"]


# Whether the middle of an element is in sight, with nothing lying over it.
UNCOVERED = """each => {
    const box = each.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    return y > 0 && y < window.innerHeight && each.contains(document.elementFromPoint(x, y));
}"""


def counted(ops: Person) -> str:
    """The summary once the site has answered."""
    ops.page.locator("#rule-summary:not([aria-busy])").wait_for()
    return ops.page.inner_text("#rule-summary")


def rule(ops: Person, name: str):
    return ops.page.get_by_role("group", name=name, exact=True)


def new_draft(ops: Person) -> None:
    ops.go(LIST)
    ops.page.get_by_role("button", name="New draft of version").click()
    ops.sees("is a draft with the rules of version")
    ops.page.locator(".rule-editor .rule").first.wait_for()


def test_a_rule_is_built_counted_saved_and_published(ops):
    new_draft(ops)
    page = ops.page
    before = counted(ops)
    # The journeys share one installation, and others add customers to it.
    assert int(re.search(r"of (\d+) customers would change tier", before)[1]) >= DEMO_CUSTOMERS
    assert not page.is_visible("#id_definition")  # folded under "As text"

    page.get_by_role("button", name="Add a tier rule").click()
    third = rule(ops, "Tier rule 3")
    assert third.get_by_label("Tier given").evaluate("each => each === document.activeElement")
    third.get_by_label("Tier given").select_option(label="1 · Global")
    assert "to mend before this can be counted" in counted(ops)  # no condition yet: it would take everyone
    third.get_by_role("button", name="Condition", exact=True).click()
    third.get_by_label(ATTRIBUTE).select_option(label="Vertical")
    third.get_by_label("Vertical: operator").select_option(label="is one of")
    first, second = third.locator(".pick-list .rule-check").all()[:2]
    first.click()
    counted(ops)
    one = third.locator(".rule-count").inner_text()
    second.click()
    counted(ops)
    both = third.locator(".rule-count").inner_text()
    matches = [int(re.match(r"(\d+) match", words)[1]) for words in (one, both)]
    assert 0 < matches[0] < matches[1]

    # a second condition narrows it, and it may be any of the two
    third.get_by_role("button", name="Condition", exact=True).click()
    third.get_by_label(ATTRIBUTE).nth(1).select_option(label="ARR")
    third.get_by_label("ARR", exact=True).fill("100,000")
    counted(ops)
    narrowed = int(re.match(r"(\d+) match", third.locator(".rule-count").inner_text())[1])
    assert narrowed < matches[1]
    third.get_by_label("How many must hold").select_option(label="any of these holds")
    counted(ops)
    widened = int(re.match(r"(\d+) match", third.locator(".rule-count").inner_text())[1])
    assert widened > matches[1]
    assert counted(ops) != before
    ops.picture("rule-editor")

    # published is what was saved, so an unsaved draft is not
    page.get_by_role("button", name="Publish").click()
    ops.sees("Save the draft first")
    assert page.locator("#rule-unsaved").evaluate(UNCOVERED)
    page.click("input[name=_continue]")
    ops.sees("was changed successfully")
    assert rule(ops, "Tier rule 3").get_by_label("ARR", exact=True).input_value() == "100,000"
    page.get_by_role("button", name="Publish").click()
    ops.sees("is published.")
    ops.sees("vertical is")


def test_an_unfinished_condition_is_not_saved_and_the_first_fault_has_the_focus(ops):
    new_draft(ops)
    page = ops.page
    counted(ops)
    name = f"Tier rule {page.locator('[aria-labelledby=rules-tiers] .rule').count()}"
    page.get_by_role("button", name="Add a tier rule").click()
    added = rule(ops, name)
    added.get_by_role("button", name="Condition", exact=True).click()
    added.get_by_label(f"{name}, condition 1: attribute").select_option(label="Vertical")
    counted(ops)
    assert f"{name}, “Global”: choose a value for vertical." in added.inner_text()
    assert added.locator(".rule-count").inner_text() == ""  # nothing counted before stays beside it
    page.click("input[name=_continue]")
    page.locator("#save-refused").wait_for()
    assert "Nothing is saved yet. One thing to mend" in " ".join(counted(ops).split())
    value = added.get_by_label("Vertical: value")
    assert value.evaluate("each => each === document.activeElement")
    assert value.get_attribute("aria-invalid") == "true"
    described = value.get_attribute("aria-describedby")
    assert "choose a value for vertical" in page.inner_text(f"#{described}")
    assert page.locator(".rule-editor [aria-invalid]").count() == 1
    ops.picture("rule-editor-refused")
    page.evaluate("window.scrollTo(0, 0)")
    assert page.locator("#save-refused").evaluate(UNCOVERED)
    assert "choose a value for vertical" in page.inner_text("#save-refused")
    value.select_option(index=1)
    counted(ops)
    days = page.locator("[data-key='guards.minimum_stay.days']")
    days.fill("many")
    counted(ops)
    assert days.get_attribute("aria-invalid") == "true"
    days.fill("0")
    counted(ops)
    assert "match" in added.locator(".rule-count").inner_text()
    assert page.locator(".rule-editor [aria-invalid]").count() == 0
    page.click("input[name=_continue]")
    ops.sees("was changed successfully")


def test_rules_move_by_keyboard_and_the_focus_goes_with_them(ops):
    new_draft(ops)
    page = ops.page
    counted(ops)
    up = page.get_by_role("button", name="Move Tier rule 2 up")
    name = rule(ops, "Tier rule 2").get_by_label("Tier given").input_value()
    up.focus()
    page.keyboard.press("Enter")
    assert rule(ops, "Tier rule 1").get_by_label("Tier given").input_value() == name
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Move Tier rule 1 down"  # it cannot go further up
    assert "is now number 1" in page.inner_text("#rule-said")
    last = page.get_by_role("group", name="Tier rule for everyone else")
    assert last.get_by_role("button").count() == 0  # the catch-all stays where it is
    page.reload()  # leaving without saving asks first, and changes nothing


def test_what_is_typed_as_text_is_shown_as_rules_and_the_other_way_round(ops):
    new_draft(ops)
    page = ops.page
    counted(ops)
    page.click("#rule-text summary")
    text = page.input_value("#id_definition")
    page.fill("#id_definition", text.replace("750000", "640000"))
    page.locator("#id_definition").blur()
    counted(ops)
    assert rule(ops, "Segment 1").get_by_label("ARR", exact=True).input_value() == "640,000"
    rule(ops, "Segment 1").get_by_label("ARR", exact=True).fill("12,5")  # no number here: nothing is guessed
    assert "to mend" in counted(ops)
    assert "ARR needs a number" in rule(ops, "Segment 1").inner_text()
    assert '"12,5"' in page.input_value("#id_definition")
    page.fill("#id_definition", "{")
    page.locator("#id_definition").blur()
    ops.sees("This text cannot be shown as rules")
    page.reload()


def test_the_editor_and_the_pages_beside_it_fit_a_phone(ops):
    new_draft(ops)
    page = ops.page
    counted(ops)
    number = page.url.split("/")[-3]
    wide = {}
    for path in (
        f"{LIST}{number}/change/",
        f"{LIST}{number}/compare/",
        f"{LIST}{number}/preview/",
        f"{LIST}lock/",
    ):
        ops.go(path)
        page.set_viewport_size(PHONE)
        wide[path] = page.evaluate(STICKS_OUT)
    assert {path: by for path, by in wide.items() if by > 0} == {}
    page.set_viewport_size({"width": 1280, "height": 900})


def document(ops: Person) -> dict:
    counted(ops)
    return json.loads(ops.page.input_value("#id_definition"))


def test_every_part_of_a_model_can_be_built_without_writing_a_word_of_json(ops):
    new_draft(ops)
    page = ops.page
    counted(ops)

    page.get_by_role("button", name="Decide the touch level first").click()
    touch = rule(ops, "Touch rule 1")
    touch.get_by_role("button", name="Condition", exact=True).click()
    touch.get_by_label(ATTRIBUTE).select_option(label="Open goals")
    touch.get_by_label("Risk mitigation").check()
    touch.get_by_role("button", name="Group", exact=True).click()
    touch.get_by_label(ATTRIBUTE).nth(1).select_option(label="Champion")
    touch.get_by_label("Champion: yes or no").select_option(label="no")
    touch.get_by_label(ATTRIBUTE).nth(2).select_option(label="Renewal date")
    touch.get_by_label("Renewal date: operator").select_option(label="is on or before")
    touch.get_by_label("Renewal date", exact=True).fill("2027-03-31")
    found = document(ops)
    assert found["touch"] == [
        {
            "touch": "high",
            "when": [
                {"attribute": "open_goals", "op": "any_of", "value": ["risk-mitigation"]},
                {
                    "any": [
                        {"attribute": "champion", "op": "is", "value": False},
                        {"attribute": "renewal_date", "op": "<=", "value": "2027-03-31"},
                    ]
                },
            ],
        },
        {"touch": "low", "when": []},
    ]

    page.get_by_role("button", name="Add a criterion").click()
    added = len(found["criteria"]) + 1
    criterion = rule(ops, f"Criterion {added}")
    criterion.get_by_label("Name of the criterion").fill("Fit")
    criterion.get_by_label(ATTRIBUTE).select_option(label="Vertical")
    criterion.get_by_label("Points of Telco").fill("80")
    criterion.get_by_label("Weight", exact=True).fill("2.5")
    criterion.get_by_label("Missing value").select_option(label="counts as … points")
    criterion.get_by_label("Points for a missing value").fill("30")
    assert document(ops)["criteria"][-1] == {
        "name": "Fit",
        "attribute": "vertical",
        "weight": 2.5,
        "scale": {"kind": "choices", "points": {"Telco": 80}, "other": 0},
        "missing": "points",
        "points": 30,
    }
    criterion.get_by_label(ATTRIBUTE).select_option(label="Employees")
    criterion.get_by_label("Scale").select_option(label="in steps")
    criterion.get_by_role("button", name="Remove step 1").click()
    assert document(ops)["criteria"][-1]["scale"] == {"kind": "steps", "below": 0, "steps": [[100, 100]]}
    criterion.get_by_label("Scale").select_option(label="percentile")
    criterion.get_by_label("Among").select_option(label="customers of the same segment")
    criterion.get_by_label("the lowest value gets most").check()
    assert document(ops)["criteria"][-1]["scale"] == {
        "kind": "percentile",
        "within": "segment",
        "reverse": True,
    }

    page.get_by_label("Add a goal kind").select_option(label="Expansion")
    page.get_by_label("Add a goal kind").select_option(label="Adoption")
    page.get_by_role("button", name="Move Adoption up").click()
    page.locator("[data-key='guards.minimum_stay.days']").fill("180")
    page.locator("[data-key='guards.dead_band.points']").fill("3")
    page.locator("[data-key='guards.first_year.low']").check()
    page.locator("[data-key='guards.change_limit.customers']").fill("30")
    found = document(ops)
    assert found["goals"] == ["adoption", "expansion"]
    assert found["guards"]["minimum_stay"] == {"days": 180}
    assert found["guards"]["dead_band"] == {"points": 3, "percent": 5}
    assert found["guards"]["change_limit"] == {"percent": 5, "customers": 30}

    tier = rule(ops, "Tier rule 1")
    tier.get_by_role("button", name="Condition", exact=True).click()
    tier.get_by_label(ATTRIBUTE).nth(1).select_option(label="Touch level")
    tier.get_by_label("Touch level: value").select_option(label="High touch")
    assert document(ops)["tiers"][0]["when"][1] == {"attribute": "touch", "op": "is", "value": "high"}
    tier.get_by_role("button", name="Remove the condition on Touch level").click()
    assert len(document(ops)["tiers"][0]["when"]) == 1

    # a segment that rules ask for keeps them when it gets another name
    segment = rule(ops, "Segment 1").get_by_label("Name of the segment")
    before = segment.input_value()
    segment.fill("Worldwide")
    segment.blur()
    found = document(ops)
    assert found["segments"][0]["name"] == "Worldwide"
    assert before not in json.dumps(found["tiers"])
    ops.picture("rule-editor-parts")
    page.click("input[name=_continue]")
    ops.sees("was changed successfully")
    assert document(ops) == found
