"""`import_csms`: people, teams, managers and skills."""

from decimal import Decimal

import pytest

from accounts.models import CSM, Customer, Language, Team, User
from tests.importing.readers import Import, counts

pytestmark = pytest.mark.django_db


def test_csms_come_with_team_manager_and_skills(load: Import) -> None:
    text = (
        "email,name,team,manager,seniority,hours_per_month,overhead_pct,ramp_pct,verticals,regions,countries,languages,"
        "products,accepting\n"
        "Zoe@X.com,Zoe,North,boss@x.com,5,120.5,30,100,Retail;Tech,DACH,Germany;Austria,German,Core,no\n"
        ",Nameless Mail,North,,,,,,,,,,,\n"
    )
    answer = load(text, command="import_csms")
    assert counts(answer) == (2, 0, 0, 0)
    assert answer["new_values"]["team"] == ["North"]
    assert answer["new_values"]["manager"] == ["boss@x.com"]
    zoe = CSM.objects.get(email="zoe@x.com")
    assert (zoe.seniority, zoe.hours_per_month, zoe.overhead_pct, zoe.accepting) == (
        5,
        Decimal("120.5"),
        30,
        False,
    )
    assert sorted(zoe.verticals.values_list("name", flat=True)) == ["Retail", "Tech"]
    assert zoe.countries == ["Germany", "Austria"]
    boss = Team.objects.get().manager
    assert boss == User.objects.get(email="boss@x.com")
    assert not boss.has_usable_password()
    other = CSM.objects.get(name="Nameless Mail")
    assert (other.email, other.seniority, other.hours_per_month, other.accepting) == (None, 3, 160, True)
    assert counts(load(text, command="import_csms")) == (0, 0, 2, 0)
    assert counts(load("email,seniority\nzoe@x.com,\n", command="import_csms")) == (0, 1, 0, 0)
    assert CSM.objects.get(email="zoe@x.com").seniority == 3
    assert Language.objects.count() == 1


def test_a_csm_made_by_a_customer_file_gets_the_mail_from_the_csm_file(load: Import) -> None:
    load("external_id,name,csm\nA1,Acme,Zoe Quist\n")
    assert counts(load("email,name\nzoe@x.com,Zoe Quist\n", command="import_csms")) == (0, 1, 0, 0)
    assert Customer.objects.get().csm.email == "zoe@x.com"


def test_bad_csm_rows_are_refused_with_reasons(load: Import) -> None:
    answer = load(
        "email,name,team,manager,seniority\n"
        "a@x.com,A,North,boss@x.com,3\n"
        "b@x.com,B,North,other@x.com,3\n"
        "c@x.com,C,,boss@x.com,3\n"
        "not-a-mail,D,,,3\n"
        "e@x.com,,,,3\n"
        ",,,,3\n"
        "f@x.com,F,,,9\n"
        "G@x.com,G,,,1\n"
        "g@x.com,G,,,1\n",
        command="import_csms",
    )
    assert counts(answer) == (1, 0, 0, 8)
    messages = {error["line"]: error["message"] for error in answer["errors"]}
    assert "another manager" in messages[3]
    assert "give the team" in messages[4]
    assert "no e-mail address" in messages[5]
    assert "name is blank" in messages[6]
    assert "neither an e-mail nor a name" in messages[7]
    assert "lines 9 and 10" in messages[10]


def test_rows_that_mean_the_same_csm_are_refused_together(load: Import) -> None:
    load("name\nAnn\n", command="import_csms")
    two_mails = "name,email\nAnn,ann1@x.com\nAnn,ann2@x.com\n"
    answer = load(two_mails + "Bob,bob@x.com\n", command="import_csms")
    assert counts(answer) == (1, 0, 0, 2)
    assert [error["line"] for error in answer["errors"]] == [2, 3]
    assert "keep one" in answer["errors"][0]["message"]
    assert CSM.objects.get(name="Ann").email is None
    # By e-mail and by name in one file, too.
    assert counts(
        load("name,email,seniority\nBob,bob@x.com,1\nbob,,5\nCy,cy@x.com,1\n", command="import_csms")
    ) == (
        1,
        0,
        0,
        2,
    )
    assert CSM.objects.get(name="Bob").seniority == 3


def test_a_manager_who_leads_the_old_team_may_be_given_the_new_one(load: Import) -> None:
    load("name,team,manager\nAnn,North,a@x.com\nBob,South,b@x.com\n", command="import_csms")
    moved = "name,team,manager\nBob,North,b@x.com\n"
    assert counts(load(moved, command="import_csms")) == (0, 1, 0, 0)
    assert Team.objects.get(name="North").manager.email == "b@x.com"
    assert counts(load(moved, command="import_csms")) == (0, 0, 1, 0)
