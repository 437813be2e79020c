"""The customer's page in the admin: facts change here, tier and CSM do not."""

import pytest

from accounts.models import CSM, CustomAttribute, Customer
from allocation.admin.customers import CustomerForm
from tests import factories
from tests.admin import world
from tests.pages import company as companies


def form_of(client, customer):
    """Every field of the page as it stands, the way a browser would send it."""
    page = client.get(f"/admin/accounts/customer/{customer.pk}/change/")
    sent = {}
    formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
    forms = [page.context["adminform"].form, *(formset.management_form for formset in formsets)]
    for form in [*forms, *(form for formset in formsets for form in formset.forms)]:
        for bound in form:
            value = bound.value()
            prepared = bound.field.prepare_value(value)
            sent[bound.html_name] = "" if prepared is None else prepared
    return sent


def save(client, customer, **changes):
    return client.post(f"/admin/accounts/customer/{customer.pk}/change/", form_of(client, customer) | changes)


def test_facts_are_saved(cast, sign_in):
    customer = world.build(cast).customer
    response = save(
        sign_in(cast.ops), customer, arr="1234.50", products="Core; Analytics; Core", champion="false"
    )
    assert response.status_code == 302, response.context["errors"]
    customer.refresh_from_db()
    assert (str(customer.arr), customer.products, customer.champion) == (
        "1234.50",
        ["Core", "Analytics"],
        False,
    )
    assert customer.version == 1


def test_facts_that_changed_since_the_decision_are_told_with_the_currency_of_its_amounts(cast, sign_in):
    one = companies.build(cast).a[1]
    client = sign_in(cast.ops)

    def page():
        return client.get(f"/admin/accounts/customer/{one.pk}/change/").content.decode()

    assert "; amounts in USD" in page()
    assert "Facts have changed" not in page()
    Customer.objects.filter(pk=one.pk).update(arr=5)
    assert "Facts have changed since this run: the next one may decide otherwise." in page()


def test_tier_and_csm_cannot_be_typed_in(cast, sign_in):
    found = world.build(cast)
    save(sign_in(cast.ops), found.customer, tier=found.base.pk, csm="", tier_since="2020-01-01")
    found.customer.refresh_from_db()
    assert (found.customer.tier, found.customer.csm) == (found.top, found.csm)


def test_a_tier_and_csm_decided_while_the_page_is_saved_stay(cast, sign_in, monkeypatch):
    found = world.build(cast)
    other = CSM.objects.get(user=cast.csm_b)
    read_attributes = CustomerForm.attributes_given

    def decided_meanwhile(form):
        """The admin has read the row and not yet written it: a run and a plan are applied just now."""
        Customer.objects.filter(pk=form.instance.pk).update(tier=found.base, csm=other)
        return read_attributes(form)

    client, sent = sign_in(cast.ops), form_of(sign_in(cast.ops), found.customer)
    monkeypatch.setattr(CustomerForm, "attributes_given", decided_meanwhile)
    response = client.post(f"/admin/accounts/customer/{found.customer.pk}/change/", sent | {"arr": "77"})
    assert response.status_code == 302
    found.customer.refresh_from_db()
    assert (found.customer.arr, found.customer.tier, found.customer.csm) == (77, found.base, other)


def test_a_stale_page_is_refused(cast, sign_in):
    customer = world.build(cast).customer
    client = sign_in(cast.ops)
    stale = form_of(client, customer)
    assert save(client, customer, arr="99").status_code == 302
    response = client.post(f"/admin/accounts/customer/{customer.pk}/change/", stale | {"arr": "1"})
    assert "Somebody changed this customer" in response.content.decode()
    customer.refresh_from_db()
    assert customer.arr == 99


@pytest.mark.parametrize("arr", ["NaN", "Infinity", "-5", "1e400", "1e16", "twelve"])
def test_a_bad_amount_is_refused_with_the_page(arr, cast, sign_in):
    customer = world.build(cast).customer
    response = save(sign_in(cast.ops), customer, arr=arr)
    assert response.status_code == 200
    assert response.context["errors"]


def test_custom_attributes_are_fields_of_their_kind(cast, sign_in):
    customer = world.build(cast).customer  # has the number "seats"
    CustomAttribute.objects.create(slug="sla", label="SLA", kind="choice", choices=["gold", "silver"])
    CustomAttribute.objects.create(slug="on_prem", label="On premises", kind="yes_no")
    CustomAttribute.objects.create(slug="went_live", label="Went live", kind="date")
    client = sign_in(cast.ops)
    given = {
        "attribute_seats": "12.5",
        "attribute_sla": "gold",
        "attribute_on_prem": "false",
        "attribute_went_live": "2026-02-01",
    }
    response = save(client, customer, **given)
    assert response.status_code == 302, response.context["errors"]
    customer.refresh_from_db()
    assert customer.attributes == {"seats": 12.5, "sla": "gold", "on_prem": False, "went_live": "2026-02-01"}
    save(client, customer, attribute_seats="", attribute_sla="silver")
    customer.refresh_from_db()
    assert customer.attributes == {"sla": "silver", "on_prem": False, "went_live": "2026-02-01"}


def test_an_attribute_without_a_field_survives_an_edit(cast, sign_in):
    customer = world.build(cast).customer
    Customer.objects.filter(pk=customer.pk).update(attributes={"retired_one": 1})
    save(sign_in(cast.ops), customer, arr="5")
    customer.refresh_from_db()
    assert customer.attributes == {"retired_one": 1}


def test_the_page_says_why_the_customer_has_its_tier(cast, sign_in):
    customer = world.build(cast).customer
    page = sign_in(cast.ops).get(f"/admin/accounts/customer/{customer.pk}/change/").content.decode()
    assert "Top: everyone" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("gap=csm", {"Lost"}),
        ("gap=tier", {"New"}),
        ("gap=arr", {"New"}),
        ("health=poor", {"Lost"}),
        ("renewal=past", {"Lost"}),
        ("tier=none", {"New"}),
    ],
)
def test_filters_find_the_gaps(query, found, cast, sign_in):
    top = factories.TierFactory(rank=1)
    factories.CustomerFactory(
        name="Lost", tier=top, tier_since=factories.TODAY, arr=1, health=10, renewal_date="2020-01-01"
    )
    factories.CustomerFactory(name="New", arr=None)
    page = sign_in(cast.ops).get(f"/admin/accounts/customer/?{query}")
    assert {customer.name for customer in page.context["cl"].result_list} == found


def test_a_name_that_looks_like_markup_is_shown_as_it_is(cast, sign_in):
    customer = world.build(cast).customer
    Customer.objects.filter(pk=customer.pk).update(name="<script>alert(1)</script>")
    client = sign_in(cast.ops)
    for path in (
        "/admin/accounts/customer/",
        f"/admin/accounts/customer/{customer.pk}/change/",
        "/admin/allocation/tierdecision/",
    ):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("code", "stored"), [("eur", "EUR"), ("CHF", "CHF"), ("XYZ", None), ("EU", None), ("", None)]
)
def test_a_currency_is_a_code_there_is(code, stored, cast, sign_in):
    customer = world.build(cast).customer
    response = save(sign_in(cast.ops), customer, currency=code)
    assert response.status_code == (302 if stored else 200)
    before = customer.currency
    customer.refresh_from_db()
    assert customer.currency == (stored or before)


def test_a_new_customer_has_no_tier_until_a_run_decides(cast, sign_in):
    form = {
        "name": "New Ltd", "external_id": "N-1", "status": "active", "currency": "USD", "arr": "10",
        "goals-TOTAL_FORMS": 0, "goals-INITIAL_FORMS": 0,
    }  # fmt: skip
    response = sign_in(cast.ops).post("/admin/accounts/customer/add/", form)
    assert response.status_code == 302, response.context["errors"]
    customer = Customer.objects.get(external_id="N-1")
    assert (customer.tier, customer.csm, customer.arr) == (None, None, 10)


def test_an_external_id_there_is_already_is_refused(cast, sign_in):
    known = world.build(cast).customer
    form = {
        "name": "New Ltd", "external_id": known.external_id, "status": "active", "currency": "USD",
        "goals-TOTAL_FORMS": 0, "goals-INITIAL_FORMS": 0,
    }  # fmt: skip
    response = sign_in(cast.ops).post("/admin/accounts/customer/add/", form)
    assert "external_id" in response.context["adminform"].form.errors
