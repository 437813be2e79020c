"""The form of an allocation policy: presets, refusals in sentences, words, today's pools, copies."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from allocation.models import AllocationPolicy, NamedTiers
from tests.factories import TODAY, CSMFactory, CustomerFactory, TierFactory, VerticalFactory
from tests.pages.reading import plain, read

LIST = "/admin/allocation/allocationpolicy/"


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def books(cast: SimpleNamespace) -> SimpleNamespace:
    top = TierFactory(slug="top", name="Top", rank=1)
    alone = TierFactory(slug="alone", name="Alone", rank=2, touch_level="self_service")
    old = TierFactory(slug="old", name="Old", rank=3, retired=True)
    customer = CustomerFactory(external_id="C1", tier=top, tier_since=TODAY, country="Peru")
    policy = AllocationPolicy.objects.create(name="Ours", is_active=True)
    return SimpleNamespace(
        top=top, alone=alone, old=old, customer=customer, policy=policy, csm=cast.csm_a.csm
    )


def path(books: SimpleNamespace, name: str = "change") -> str:
    return f"{LIST}{books.policy.pk}/{name}/"


def posted(*lines: dict[str, Any], **values: Any) -> dict[str, Any]:
    """What the form sends: the default values with `values`, and a row of named tiers for each of `lines`."""
    plain_policy = AllocationPolicy(name="Ours")
    fields = [field.name for field in AllocationPolicy._meta.fields if field.editable and field.name != "id"]
    given = {name: getattr(plain_policy, name) for name in fields} | values
    sent = {name: value for name, value in given.items() if value is not False}
    sent |= {"named_tiers-TOTAL_FORMS": len(lines), "named_tiers-INITIAL_FORMS": 0}
    for place, line in enumerate(lines):
        sent |= {f"named_tiers-{place}-{name}": value for name, value in line.items()}
    return sent


def saved(client: Any, books: SimpleNamespace, *lines: dict[str, Any], **values: Any) -> str:
    """The words of the page after saving."""
    return plain(read(client.post(path(books), posted(*lines, **values), follow=True)).words)


def test_a_policy_is_saved_with_tiers_named_for_a_csm(books, cast, sign_in):
    line = {"csm": books.csm.pk, "tiers": [books.top.pk]}
    words = saved(
        sign_in(cast.ops), books, line, weight_customers="12.5", approve_top="20", objection_days="7"
    )
    assert "was changed successfully" in words
    books.policy.refresh_from_db()
    assert (books.policy.weight_customers, books.policy.approve_top, books.policy.objection_days) == (
        12.5,
        20,
        7,
    )
    (named,) = NamedTiers.objects.all()
    assert (named.csm, list(named.tiers.all())) == (books.csm, [books.top])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            dict.fromkeys(
                ("weight_hours", "weight_arr", "weight_customers", "weight_fit", "weight_continuity", "weight_background"),
                "0",
            ),
            "All weights are 0, so every plan would be as good as any other",
        ),
        ({"hours_tolerance_pct": "50.01"}, "Above 50 % nearly every book counts as even"),
        ({"arr_tolerance_pct": "60"}, "Above 50 % nearly every book counts as even"),
        ({"weight_customers": "10001"}, "A weight is 0 to 10 000."),
        ({"max_moves_pct": "101"}, "A share is 0 to 100 %."),
        ({"search_iterations": "0"}, "Without a step nothing is evened out"),
        ({"approve_top": "-1"}, "greater than or equal to 0"),
        ({"handover_days": "0"}, "Give 1 to 365 days"),
        ({"short_handover_days": "366"}, "Give 1 to 365 days"),
        ({"objection_days": "61"}, "Give 0 to 60 days."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_sentence(books, cast, sign_in, values, sentence):
    before = AllocationPolicy.objects.values().get()
    assert sentence in saved(sign_in(cast.ops), books, **values)
    assert AllocationPolicy.objects.values().get() == before


def test_the_edges_of_sense_are_accepted(books, cast, sign_in):
    zero = dict.fromkeys(
        ("weight_hours", "weight_arr", "weight_customers", "weight_continuity", "weight_background"), "0"
    )
    words = saved(
        sign_in(cast.ops), books, **zero, weight_fit="1", hours_tolerance_pct="50", search_iterations="1"
    )
    assert "was changed successfully" in words


@pytest.mark.parametrize(
    ("tier", "sentence"),
    [("alone", "Alone is self-service and has no CSM: leave it out."), ("old", "Old is no longer in use")],
)
def test_a_csm_is_not_named_for_such_a_tier(books, cast, sign_in, tier, sentence):
    line = {"csm": books.csm.pk, "tiers": [books.top.pk, getattr(books, tier).pk]}
    assert sentence in saved(sign_in(cast.ops), books, line)
    assert not NamedTiers.objects.exists()


def test_a_csm_has_one_line_and_a_line_a_tier(books, cast, sign_in):
    client = sign_in(cast.ops)
    line = {"csm": books.csm.pk, "tiers": [books.top.pk]}
    assert "Please correct the duplicate" in saved(client, books, line, line)
    assert "This field is required." in saved(client, books, {"csm": books.csm.pk})
    assert not NamedTiers.objects.exists()


def test_the_page_says_the_policy_and_what_it_makes_of_today(books, cast, sign_in):
    words = plain(read(sign_in(cast.ops).get(path(books))).words)
    assert "Books are even in hours (60 points) and ARR (30 points)." in words
    assert "1 customer, 0:00 hours asked, 240:00 there" in words  # two CSMs of 160 hours less a quarter
    assert "everyone else · Top 1 0:00 240:00 2" in words


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"vertical_fit": "hard"}, "No CSM names a vertical: everybody counts as a generalist"),
        ({"vertical_fit": "specialist_first"}, "No CSM names a vertical"),
        ({"region_fit": "hard"}, "No CSM names a region"),
        ({"language_fit": "hard"}, "No CSM names a language"),
        ({"product_fit": "hard"}, "No CSM names a product"),
        ({"country_law": True}, "Country law is on and no CSM lists a country"),
        ({"country_law": True}, "1 customer could be given to nobody under this policy"),
        ({"country_law": True}, "C1 (everyone else · Top · Peru): 2 × does not cover the country Peru."),
        ({"hours_tolerance_pct": 31}, "With a tolerance of 31 % in hours"),
        ({"weight_continuity": 0}, "A change of CSM costs nothing"),
        ({"max_moves_pct": 0}, "One of the two budgets is 0 %"),
        ({"hold_before_renewal_days": 365}, "Who renews every year is held all year"),
        ({"search_iterations": 99}, "99 steps of work"),
    ],
)
def test_what_is_doubtful_is_said_and_can_be_used(books, cast, sign_in, values, sentence):
    client = sign_in(cast.ops)
    AllocationPolicy.objects.update(vertical_fit="soft")
    assert sentence not in plain(read(client.get(path(books))).words)
    AllocationPolicy.objects.update(**values)
    assert sentence in plain(read(client.get(path(books))).words)


def test_a_rule_that_some_csm_names_is_not_doubtful(books, cast, sign_in):
    books.csm.verticals.add(VerticalFactory())
    assert "No CSM names" not in plain(read(sign_in(cast.ops).get(path(books))).words)


def test_a_missing_rate_is_said_instead_of_the_pools(books, cast, sign_in):
    books.customer.currency = "CHF"
    books.customer.save()
    response = sign_in(cast.ops).get(path(books))
    assert response.status_code == 200
    assert "CHF" in read(response).words


def test_ready_made_starts_fill_the_form_in(cast, sign_in):
    client = sign_in(cast.ops)
    page = read(client.get(f"{LIST}add/"))
    links = [link.get("href") for link in page.of("a") if link.get("class") == "preset"]
    assert len(links) == 5
    for link in links:
        assert client.get(link).status_code == 200
    (equal,) = [link for link in links if "Equal+numbers" in link]
    form = client.get(equal).context["adminform"].form
    assert (form["weight_customers"].value(), form["weight_hours"].value()) == ("60", "0")
    assert form["max_moves_pct"].value() == 10  # the rest is as ever


def test_a_copy_rests_with_the_same_values_and_tiers(books, cast, sign_in):
    AllocationPolicy.objects.update(weight_customers=7, hold_first_days=3)
    NamedTiers.objects.create(policy=books.policy, csm=books.csm).tiers.set([books.top])
    client = sign_in(cast.ops)
    assert "Copy" in read(client.get(path(books))).words
    assert client.get(path(books, "copy")).status_code == 403
    first, second = (client.post(path(books, "copy")) for _ in range(2))
    made, again = AllocationPolicy.objects.exclude(pk=books.policy.pk).order_by("pk")
    assert (first.url, second.url) == (f"{LIST}{made.pk}/change/", f"{LIST}{again.pk}/change/")
    assert (made.name, again.name) == ("Ours (copy)", "Ours (copy 2)")
    assert (made.is_active, made.weight_customers, made.hold_first_days) == (False, 7, 3)
    assert [list(line.tiers.all()) for line in made.named_tiers.all()] == [[books.top]]
    assert client.post(f"{LIST}999999/copy/").status_code == 404


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_others_see_no_policy_and_copy_none(books, cast, sign_in, who):
    client = sign_in(getattr(cast, who))
    assert client.post(path(books, "copy"), follow=True).status_code == 403
    assert client.get(path(books), follow=True).status_code == 403
    assert AllocationPolicy.objects.count() == 1


@pytest.mark.parametrize("rows", [2, 20])
def test_the_form_asks_equally_often_at_any_size(books, cast, sign_in, query_counts, rows):
    for _ in range(rows):
        csm = CSMFactory()
        csm.verticals.add(VerticalFactory())
        NamedTiers.objects.create(policy=books.policy, csm=csm).tiers.set([books.top])
        CustomerFactory(tier=books.top, tier_since=TODAY, renewal_date=TODAY + timedelta(days=9))
    client = sign_in(cast.ops)
    response = client.get(path(books))
    assert read(response).refused_by_policy() == []
    query_counts.check("admin allocation policy", lambda: client.get(path(books)))
