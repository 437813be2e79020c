"""`import_customers` and `import_csms`: what each row does, and what a refusal says."""

import csv
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import (
    CSM,
    CustomAttribute,
    Customer,
    Goal,
    ImportBatch,
    Region,
    Vertical,
)
from allocation.models import BookHolding
from tests.factories import (
    TODAY,
    CSMFactory,
    CustomerFactory,
    GoalFactory,
    GoalKindFactory,
    TierFactory,
    VerticalFactory,
)
from tests.importing.readers import Import, counts

pytestmark = pytest.mark.django_db


FULL = (
    "external_id,name,parent,vertical,region,country,language,arr,currency,potential_arr,package,products,employees,"
    "adoption,health,sentiment,champion,relationship_breadth,reputation,complexity,loss_felt,wished_engagement,"
    "paid_tier,contract_start,first_renewal_done,renewal_date,status,goals,csm,attr:nps\n"
    "A1,Acme,,Retail,DACH,Germany,German,1000.50,EUR,5000,Pro,Core;Analytics,250,40,80.5,4,yes,3,70,20,no,high,"
    "gold,2025-01-01,1,2027-01-01,active,adoption;expansion,zoe@x.com,-12\n"
    "A2,Beta,A1,,,,,,,,,,,,,,,,,,,,,,,,,,,\n"
)


@pytest.fixture
def vocabulary() -> None:
    TierFactory(slug="gold")
    for slug in ("adoption", "expansion", "retention"):
        GoalKindFactory(slug=slug)


def test_every_column_arrives(load: Import, vocabulary: None) -> None:
    answer = load(FULL)
    assert counts(answer) == (2, 0, 0, 0)
    assert answer["new_values"] == {
        "vertical": ["Retail"],
        "region": ["DACH"],
        "language": ["German"],
        "csm": ["zoe@x.com"],
        "attr:nps": ["number"],
    }
    acme = Customer.objects.get(external_id="A1")
    assert (acme.arr, acme.currency, acme.potential_arr) == (Decimal("1000.50"), "EUR", Decimal(5000))
    assert (acme.vertical.name, acme.region.name, acme.language.name, acme.country) == (
        "Retail",
        "DACH",
        "German",
        "Germany",
    )
    assert (acme.package, acme.products, acme.employees) == ("Pro", ["Core", "Analytics"], 250)
    assert (acme.adoption, acme.health, acme.sentiment, acme.relationship_breadth) == (
        40,
        Decimal("80.5"),
        4,
        3,
    )
    assert (acme.champion, acme.loss_felt, acme.first_renewal_done) == (True, False, True)
    assert (acme.wished_engagement, acme.paid_tier.slug, acme.status) == ("high", "gold", "active")
    assert acme.health_on is not None
    assert acme.sentiment_on == acme.health_on == acme.csm_since
    assert acme.csm.email == "zoe@x.com"
    assert acme.attributes == {"nps": -12}
    assert CustomAttribute.objects.get().kind == "number"
    assert set(acme.goals.filter(ends_before=None).values_list("kind__slug", flat=True)) == {
        "adoption",
        "expansion",
    }
    beta = Customer.objects.get(external_id="A2")
    assert beta.parent == acme
    assert (beta.arr, beta.currency, beta.champion, beta.attributes, beta.csm) == (
        None,
        "USD",
        None,
        {},
        None,
    )


def test_the_same_file_twice_changes_nothing(load: Import, vocabulary: None) -> None:
    load(FULL)
    before = list(Customer.objects.order_by("pk").values())
    again = load(FULL)
    assert counts(again) == (0, 0, 2, 0)
    assert again["new_values"] == {}
    assert "This very file was imported" in again["said"]
    assert list(Customer.objects.order_by("pk").values()) == before
    shuffled = FULL.splitlines(keepends=True)
    assert counts(load("".join([shuffled[0], shuffled[2], shuffled[1]]))) == (0, 0, 2, 0)


def test_an_absent_column_leaves_the_value_and_a_blank_clears_it(load: Import, vocabulary: None) -> None:
    load(FULL)
    assert counts(load("external_id,name\nA1,Acme\n")) == (0, 0, 1, 0)
    header, _row, _ = FULL.splitlines()
    blank = ",".join(
        "A1" if name == "external_id" else "Acme" if name == "name" else "" for name in header.split(",")
    )
    answer = load(f"{header}\n{blank}\n")
    assert counts(answer) == (0, 1, 0, 0)
    acme = Customer.objects.get(external_id="A1")
    assert (acme.arr, acme.health, acme.health_on, acme.vertical, acme.csm, acme.csm_since) == (None,) * 6
    assert (acme.currency, acme.status, acme.products, acme.attributes) == ("USD", "active", [], {})
    assert not Goal.objects.open_on(TODAY).filter(customer=acme).exists()
    assert counts(load(f"{header}\n{blank}\n")) == (0, 0, 1, 0)


def test_goals_are_opened_and_closed_as_the_file_says(load: Import, vocabulary: None) -> None:
    load("external_id,name,goals\nA1,Acme,adoption;expansion\n")
    assert counts(load("external_id,goals\nA1,Expansion;retention\n")) == (0, 1, 0, 0)
    acme = Customer.objects.get()
    assert set(acme.goals.filter(ends_before=None).values_list("kind__slug", flat=True)) == {
        "expansion",
        "retention",
    }
    assert acme.goals.count() == 3, "a goal that ended stays readable"
    refused = load("external_id,goals\nA1,retention\nA2x,wealth\n", mapping=None)
    assert "There is no goal kind “wealth”" in refused["errors"][0]["message"]


def test_a_csm_is_found_by_mail_or_name_and_written_through_the_ledger(load: Import) -> None:
    zoe = CSMFactory(name="Zoe Quist", email="zoe@x.com")
    answer = load("external_id,name,csm\nA1,A,ZOE@x.com\nA2,B,zoe  quist\nA3,C,New Person\nA4,D,new person\n")
    assert counts(answer) == (4, 0, 0, 0)
    assert answer["new_values"] == {"csm": ["New Person"]}
    assert Customer.objects.filter(csm=zoe).count() == 2
    fresh = CSM.objects.get(name="New Person")
    assert (fresh.email, fresh.user) == (None, None)
    holdings = BookHolding.objects.filter(customer__external_id="A3")
    assert [(row.csm, row.source, row.source_id) for row in holdings] == [
        (fresh, "import", ImportBatch.objects.get().pk)
    ]
    load("external_id,csm\nA3,zoe@x.com\n")
    rows = holdings.order_by("pk").values_list("csm__name", "ends_before")
    assert [(name, until is None) for name, until in rows] == [("New Person", False), ("Zoe Quist", True)]


def test_a_name_that_two_csms_share_is_refused(load: Import) -> None:
    CSMFactory(name="Kim Lee", email="a@x.com")
    CSMFactory(name="Kim Lee", email="b@x.com")
    answer = load("external_id,name,csm\nA1,A,Kim Lee\nA2,B,\n")
    assert answer["errors"] == [
        {
            "line": 2,
            "column": "csm",
            "value": "Kim Lee",
            "message": "2 CSMs have this name; give the e-mail instead.",
        }
    ]


def test_nobody_is_given_to_an_open_seat(load: Import) -> None:
    CSMFactory(name="Open seat 1 · Telco", email=None, is_seat=True)
    answer = load("external_id,name,csm\nA1,A,open seat 1 · telco\nA2,B,\n")
    assert [(row["line"], row["column"]) for row in answer["errors"]] == [(2, "csm")]
    assert answer["errors"][0]["message"].startswith("This is an open seat that nobody has yet")
    assert not Customer.objects.filter(csm__is_seat=True).exists()


def test_words_are_compared_in_any_case(load: Import) -> None:
    VerticalFactory(name="Finance")
    answer = load("external_id,name,vertical,region\nA1,A,FINANCE,Nord\nA2,B,finance ,nord\n")
    assert answer["new_values"] == {"region": ["Nord"]}
    assert (Vertical.objects.count(), Region.objects.count()) == (1, 1)


def test_new_values_can_be_refused_instead(load: Import) -> None:
    VerticalFactory(name="Finance")
    text = "external_id,name,vertical,csm,attr:nps\nA1,A,Finance,,\nA2,B,Retail,,\nA3,C,,Zoe,\nA4,D,,,5\n"
    answer = load(text, no_new_values=True)
    assert counts(answer) == (1, 0, 0, 3)
    assert {error["column"] for error in answer["errors"]} == {"vertical", "csm", "attr:nps"}
    assert answer["new_values"] == {}
    assert not CSM.objects.exists()
    assert not CustomAttribute.objects.exists()
    assert Vertical.objects.count() == 1


def test_values_that_only_refused_rows_bring_are_not_created(load: Import) -> None:
    answer = load("external_id,name,vertical,arr\nA1,A,Retail,1\nA2,B,Nonsense,bad\n")
    assert answer["new_values"] == {"vertical": ["Retail"]}
    assert list(Vertical.objects.values_list("name", flat=True)) == ["Retail"]


def test_good_rows_go_in_and_bad_rows_are_listed(load: Import, tmp_path: Path) -> None:
    text = (
        "external_id,name,arr,currency,renewal_date,sentiment,champion,status,paid_tier,wished_engagement\n"
        "A1,Good,100,EUR,2027-01-01,3,yes,active,,\n"
        "A2,Nan,NaN,EUR,2027-01-01,3,yes,active,,\n"
        "A3,Inf,inf,EUR,2027-01-01,3,yes,active,,\n"
        "A4,Minus,-5,EUR,2027-01-01,3,yes,active,,\n"
        "A5,Feb,1,EUR,2027-02-31,3,yes,active,,\n"
        "A6,Cur,1,XXY,2027-01-01,3,yes,active,,\n"
        "A7,Sent,1,EUR,2027-01-01,9,maybe,gone,platinum,hugs\n"
        "A8,Many,1,EUR,2027-01-01,3,yes,active,,,extra\n"
        ",NoKey,1,EUR,2027-01-01,3,yes,active,,\n"
        "A9,,1,EUR,2027-01-01,3,yes,active,,\n"
        "A10,Sign,€5,USD,2027-01-01,3,yes,active,,\n"
    )
    rejects = tmp_path / "rejects.csv"
    answer = load(text, rejects=str(rejects))
    assert counts(answer) == (1, 0, 0, 10)
    assert [error["line"] for error in answer["errors"]] == [3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 9, 10, 11, 12]
    by_line = {error["line"]: error for error in answer["errors"]}
    assert by_line[5]["column"] == "arr"
    assert by_line[5]["value"] == "-5"
    assert "31 February" in by_line[6]["message"]
    assert "currency code" in by_line[7]["message"]
    assert "too many fields" in by_line[9]["message"]
    assert Customer.objects.get().name == "Good"
    with rejects.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 11
    assert rows[1][0] == "3"
    assert rows[1][2:4] == ["A2", "Nan"]
    mended = rejects.read_text(encoding="utf-8").replace("NaN", "7")
    assert counts(load(mended))[0] == 1


def test_all_or_nothing_takes_nothing_when_a_row_is_refused(load: Import) -> None:
    with pytest.raises(CommandError, match="1 of 2 rows are refused"):
        load("external_id,name,arr\nA1,A,1\nA2,B,x\n", all_or_nothing=True)
    assert not Customer.objects.exists()
    assert counts(load("external_id,name,arr\nA1,A,1\nA2,B,2\n", all_or_nothing=True)) == (2, 0, 0, 0)


def test_a_dry_run_writes_nothing(load: Import) -> None:
    answer = load("external_id,name,vertical,csm\nA1,A,Retail,Zoe\n", dry_run=True)
    assert counts(answer) == (1, 0, 0, 0)
    assert answer["new_values"] == {"vertical": ["Retail"], "csm": ["Zoe"]}
    for model in (Customer, Vertical, CSM, ImportBatch):
        assert not model.objects.exists()


def test_a_file_of_bad_rows_only_is_refused(load: Import) -> None:
    with pytest.raises(CommandError, match="Every row was refused"):
        load("external_id,name,arr\nA1,A,x\n")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ACME", "acme"),
        ("ACME", "ACME "),
        ("Zo\u00eb", "Zoe\u0308"),
        ("AC\u200bME", "ACME"),
        ("A  B", "a b"),
        ("X", "X"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(load: Import, first: str, second: str) -> None:
    answer = load(f"external_id,name\n{first},One\nother,Other\n{second},Two\n")
    assert counts(answer) == (1, 0, 0, 2)
    assert all("stands on lines 2 and 4" in error["message"] for error in answer["errors"])


def test_a_known_key_is_found_in_another_case(load: Import) -> None:
    CustomerFactory(external_id="Acme", name="Acme", arr=1)
    assert counts(load("external_id,arr\nACME,5\n")) == (0, 1, 0, 0)
    assert Customer.objects.get().arr == 5
    assert Customer.objects.get().external_id == "Acme"


def test_keys_that_differ_in_case_only_in_the_database_are_told_apart(load: Import) -> None:
    CustomerFactory(external_id="a1", name="Small", arr=1)
    CustomerFactory(external_id="A1", name="Large", arr=1)
    assert counts(load("external_id,arr\nA1,5\n")) == (0, 1, 0, 0)
    assert Customer.objects.get(external_id="A1").arr == 5


def test_without_external_id_the_name_is_the_key_and_it_is_said(load: Import) -> None:
    answer = load("name,arr\nAcme,5\n")
    assert Customer.objects.get().external_id == "Acme"
    assert "the customer's name is its external id" in answer["said"]


def test_a_new_customer_needs_a_name(load: Import) -> None:
    CustomerFactory(external_id="A1")
    answer = load("external_id,arr\nA1,5\nA2,5\n")
    assert counts(answer) == (0, 1, 0, 1)
    assert "needs a name" in answer["errors"][0]["message"]


def test_parents_are_found_by_id_or_name_in_any_order(load: Import) -> None:
    CustomerFactory(external_id="G", name="Group")
    load("external_id,name,parent\nA3,Gamma,Beta\nA2,Beta,a1\nA1,Acme,Group\n")
    parents = dict(Customer.objects.values_list("external_id", "parent__external_id"))
    assert parents == {"G": None, "A1": "G", "A2": "A1", "A3": "A2"}


def test_unknown_parents_circles_and_children_of_refused_rows_are_refused(load: Import) -> None:
    answer = load(
        "external_id,name,parent,arr\n"
        "A1,Own,A1,1\n"
        "A2,Two,A3,1\n"
        "A3,Three,A2,1\n"
        "A4,Lost,Nowhere,1\n"
        "A5,Bad,,x\n"
        "A6,Child,A5,1\n"
        "A7,Grandchild,A6,1\n"
        "A8,Fine,,1\n"
    )
    assert counts(answer) == (1, 0, 0, 7)
    messages = {error["line"]: error["message"] for error in answer["errors"]}
    assert "circle" in messages[2]
    assert "circle" in messages[3]
    assert "There is no customer" in messages[5]
    assert "Its parent stands on line 6" in messages[7]
    assert "Its parent stands on line 7" in messages[8]


def test_a_circle_through_customers_that_are_there_is_refused(load: Import) -> None:
    top = CustomerFactory(external_id="T")
    CustomerFactory(external_id="B", parent=top)
    answer = load("external_id,name,parent\nT,Top,B\nX,Fine,\n")
    assert counts(answer) == (1, 0, 0, 1)


def test_people_import_only_what_they_may_see(cast: SimpleNamespace, load: Import) -> None:
    from django.contrib.auth.models import Permission

    CustomerFactory(external_id="M", name="Mine", arr=1, csm=cast.csm_a.csm, csm_since=TODAY)
    CustomerFactory(external_id="T", name="Theirs", arr=1, csm=cast.csm_b.csm, csm_since=TODAY)
    text = "external_id,arr\nM,5\nT,5\nN,5\n"
    with pytest.raises(CommandError, match="Only CS ops may import"):
        load(text, acting=cast.manager.email)
    cast.manager.user_permissions.add(Permission.objects.get(codename="add_importbatch"))
    answer = load(text, acting=cast.manager.email)
    assert counts(answer) == (0, 1, 0, 2)
    assert {error["message"] for error in answer["errors"]} == {"This customer is unknown or not allowed."}
    assert Customer.objects.get(external_id="T").arr == 1
    assert counts(load(text.replace("5", "6"), acting=cast.ops.email)) == (0, 2, 0, 1)


def test_queries_do_not_grow_with_the_rows(load: Import) -> None:
    def text(rows: int, arr: int) -> str:
        return "external_id,name,vertical,csm,arr\n" + "".join(
            f"A{at},N{at},V,Zoe,{arr}\n" for at in range(rows)
        )

    load(text(1, 1))
    with CaptureQueriesContext(
        connection,
    ) as few:
        load(text(20, 2))
    with CaptureQueriesContext(connection) as many:
        load(text(400, 3))
    # SQLite takes some 25 rows in an INSERT; nothing else may grow.
    assert len(many) <= len(few) + 400 // 20


def test_custom_attributes_get_the_kind_their_values_have(load: Import) -> None:
    load("name,attr:nps,attr:vip,attr:signed,attr:grade\nA,-1.5,yes,2024-01-31,gold\nB,7,no,,silver\nC,,,,\n")
    assert dict(CustomAttribute.objects.values_list("slug", "kind")) == {
        "nps": "number",
        "vip": "yes_no",
        "signed": "date",
        "grade": "choice",
    }
    stored = dict(Customer.objects.values_list("name", "attributes"))
    assert stored == {
        "A": {"nps": -1.5, "vip": True, "signed": "2024-01-31", "grade": "gold"},
        "B": {"nps": 7, "vip": False, "grade": "silver"},
        "C": {},
    }
    refused = load("name,attr:nps\nA,many\nB,8\n")
    assert counts(refused) == (0, 1, 0, 1)


def test_a_goal_already_open_is_left_alone(load: Import, vocabulary: None) -> None:
    customer = CustomerFactory(external_id="A1", name="Acme")
    kind = GoalKindFactory(slug="adoption")
    goal = GoalFactory(customer=customer, kind=kind, starts_on=TODAY.replace(year=2020))
    assert counts(load("external_id,goals\nA1,adoption\n")) == (0, 0, 1, 0)
    assert Goal.objects.get() == goal
