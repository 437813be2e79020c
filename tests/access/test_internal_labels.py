"""Internal labels stay internal: what leaves the house says nothing of segment, tier, score, touch level or override.

Exports for customers are compared with a written list, scanned, and made from pairs of companies that differ only in
what is confidential: the files are equal to the byte. Mail is scanned, as it is written in the code and as it is sent.
"""

import ast
import datetime
import io
import random
import re
import zipfile
from decimal import Decimal

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts.models import CSM, Customer, Goal, ImportBatch, NoticePreference, Tier, TouchActivity
from accounts.models.customers import CONFIDENTIAL, KNOWN_TO_THE_CUSTOMER
from allocation.models import BookPlan, Notice, Override, Slot, TierStanding, Touch
from allocation.services import calendars, digests, exporting, notices, overrides
from tests.access.calling import text_of, undone
from tests.access.world import BOOKS, NOW, READS, A, words
from tests.factories import TODAY
from tests.house.source import nodes

pytestmark = pytest.mark.django_db

# What a file for customers holds, column by column. A column is added here after a decision, never in passing.
COLUMNS = [
    "external_id", "name", "country", "language", "arr", "currency", "package", "products", "employees",
    "contract_start", "renewal_date",
]  # fmt: skip
LABEL = re.compile(
    r"\btiers?\b|\bsegments?\b|\bscores?\b|\bscoring\b|touch[ -]?levels?|(?:high|mid|low|tech)[ -]touch|self[ -]service"
    r"|\boverrid\w*|\bcriteri\w*|\bpyramid\b|\bhealth\b|\bsentiment\b|paid floor|dead band|effective|suggested",
    re.IGNORECASE,
)


@pytest.fixture(autouse=True)
def _nothing_stays(world):
    with undone():
        yield


def test_every_field_of_a_customer_is_known_to_it_or_confidential():
    """A new field has to be put into one of the two, beside the model."""
    fields = {field.name for field in Customer._meta.concrete_fields}
    assert fields == KNOWN_TO_THE_CUSTOMER | CONFIDENTIAL
    assert not KNOWN_TO_THE_CUSTOMER & CONFIDENTIAL


def test_a_file_for_customers_has_the_written_columns_and_no_other():
    assert list(exporting.FOR_CUSTOMERS) == COLUMNS
    assert set(COLUMNS) <= KNOWN_TO_THE_CUSTOMER
    sheet = exporting.customer_sheet(audience="customer", user=None, on=TODAY)
    assert list(sheet.headers) == COLUMNS


def files(folder):
    """The files for customers, by ending, as the command writes them."""
    found = {}
    for ending in ("csv", "xlsx"):
        path = folder / f"customers.{ending}"
        call_command("export_customers", str(path), audience="customer", format="json")
        found[ending] = path.read_bytes()
    return found


def parts_of(workbook):
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def confidential_words(world):
    """Words of the company that a customer must not read; its own name and the like are not among them."""
    of_customers = {
        f"{text}{number}"
        for book in BOOKS
        for name, text in words(Customer, book).items()
        for number in range(4)
        if name in CONFIDENTIAL
    }
    people = {str(world.csms[book]) for book in BOOKS} | {"Olga Ops", "Mia Manager"}
    facts = {
        f"{book}{word}"
        for book in BOOKS
        for word in ("Motto", "GoalWords", "OverrideWords", " vertical", " region")
    }
    return of_customers | people | facts | set(Tier.objects.values_list("name", flat=True)) | {"Everyone"}


def faults(text, world):
    text = text.replace("<Override ", "")  # the format's own word in a workbook's list of parts
    return {word for word in confidential_words(world) if word in text} | set(LABEL.findall(text))


def test_no_part_of_a_file_for_customers_says_a_label(world, tmp_path, capsys):
    """Cells, headings, sheet and file names, document properties, hidden parts."""
    found = files(tmp_path)
    parts = parts_of(found["xlsx"])
    assert faults("\n".join([*parts, *parts.values()]), world) == set()
    assert faults(found["csv"].decode(), world) == set()
    assert [
        re.findall(r'hidden="1"|state="\w*hidden|definedName |<comment', text) for text in parts.values()
    ] == [[]] * len(parts)
    assert f"{A}CustomerName0" in found["csv"].decode()


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_the_page_sends_says_no_label_either(world, ending):
    answer = world.clients["ops"].get(
        reverse("admin:export_customers_file"), {"audience": "customer", "ending": ending}
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="customers.{ending}"'
    assert faults(text_of(answer), world) == set()


def test_the_control_a_file_for_colleagues_does_say_them(world, tmp_path, capsys):
    path = tmp_path / "internal.csv"
    call_command("export_customers", str(path), audience="internal", format="json")
    assert len(faults(path.read_text(), world)) > 10


def some_value(field, chance, world):
    """A random value of a confidential field."""
    if field.remote_field:
        rows = list(field.related_model._default_manager.order_by("pk").values_list("pk", flat=True))
        return chance.choice(rows)
    if field.choices:
        return chance.choice([value for value, _ in field.choices])
    if isinstance(field, models.DecimalField):
        return Decimal(chance.randrange(0, 9_000)) / 100
    if isinstance(field, models.IntegerField):
        return chance.randrange(1, 5)
    if isinstance(field, models.BooleanField):
        return chance.choice([True, False])
    if isinstance(field, models.DateField):
        return TODAY - datetime.timedelta(days=chance.randrange(900))
    if isinstance(field, models.JSONField):
        return {"motto": f"motto {chance.random()}"}
    return f"word {chance.randrange(10**6)}"


def everything_confidential_changes(chance, world):
    """Another company as far as the customers can know: the same."""
    fields = [
        field
        for field in Customer._meta.concrete_fields
        if field.name in CONFIDENTIAL - {"id", "parent", "status"}
    ]
    for customer in chance.sample(list(Customer.objects.order_by("pk")), 4):
        values = {field.name: some_value(field, chance, world) for field in fields}
        status = chance.choice(["active", "left"])
        Customer.objects.filter(pk=customer.pk).update(**values, status=status)
        TierStanding.objects.filter(customer=customer).update(
            segment=f"segment {chance.random()}", score=Decimal(chance.randrange(10_000)) / 100
        )
    for tier in Tier.objects.order_by("pk"):
        Tier.objects.filter(pk=tier.pk).update(
            name=f"Name {chance.random()}",
            slug=f"slug-{chance.randrange(10**9)}",
            touch_level=chance.choice(["high", "low"]),
        )
    Goal.objects.update(words=f"words {chance.random()}")
    Override.objects.filter(status="asked").update(words=f"words {chance.random()}")


def test_companies_that_differ_only_in_what_is_confidential_give_the_same_files(world, tmp_path, capsys):
    """A hundred pairs, to the byte: no cell, order, width, name, property or time tells them apart."""
    first = files(tmp_path)
    for seed in range(100):
        with undone():
            everything_confidential_changes(random.Random(seed), world)
            assert files(tmp_path) == first, seed


def test_the_control_a_known_fact_changes_the_files(world, tmp_path, capsys):
    first = files(tmp_path)
    Customer.objects.filter(pk=world.customers[A][0].pk).update(package="Other")
    second = files(tmp_path)
    assert (first["csv"] != second["csv"], first["xlsx"] != second["xlsx"]) == (True, True)


def test_no_text_of_a_mail_in_the_code_says_a_label():
    """Every module that words a notice, whichever words it would choose at run time."""
    writers = {
        place.split(":")[0] for place, node in nodes(ast.Call) if ast.unparse(node.func).endswith(".leave")
    }
    words = {"allocation/selectors/notice_words.py", "allocation/selectors/digest_words.py"}
    wording = {*writers, *words} - {"allocation/querysets/notices.py"}
    assert len(wording) > 2
    said = []
    for path in sorted(wording):
        for place, node in nodes(ast.Call, under=path):
            called = ast.unparse(node.func)
            if called.endswith(".leave") or "notice_words" in called or "_tell" in called:
                said += [(place, text) for text in texts(node)]
        if path in words:
            said += [
                (place, text)
                for place, node in nodes(ast.FunctionDef, under=path)
                for text in texts(node, docs=False)
            ]
    assert [(place, text) for place, text in said if LABEL.search(text) and " " in text] == []


def texts(tree, docs=True):
    """Every piece of text below a node; without the docstring of a function if so wished."""
    doc = ast.get_docstring(tree, clean=False) if not docs else None
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [text for text in found if text != doc]


def send_everything():
    notices.tell_who_decides(at=NOW)
    notices.send_notices(at=NOW + datetime.timedelta(days=1), limit=1000)
    return [f"{sent.subject}\n{sent.body}\n{sent.message().as_string()}" for sent in mail.outbox]


def test_no_mail_that_is_sent_says_a_label_or_a_word_of_a_book(world, settings):
    """Requests, decisions, ends, warnings, windows and delegations: what is written, and what goes out."""
    Notice.objects.all().delete()
    act(world)
    sent = send_everything()
    told = [f"{notice.subject}\n{notice.body}" for notice in Notice.objects.all()]
    assert len(told) >= 7
    assert len(sent) >= len(told)
    assert [
        text
        for text in told + sent
        if LABEL.search(text.replace(settings.SITE_URL, "").replace("/overrides/", ""))
    ] == []
    secret = {
        f"{A}OverrideWords",
        "Because of them",
        f"{A}Motto",
        *Tier.objects.values_list("name", flat=True),
    }
    assert [(text, word) for text in told + sent for word in secret if word in text] == []
    domains = {address.rpartition("@")[2] for one in mail.outbox for address in one.recipients()}
    assert domains == {"example.com"}


def digests_of_a_day(world):
    """Everybody's digest, with whatever the company has to tell: {person: subject and text}."""
    for person in world.persons.values():
        NoticePreference.objects.update_or_create(user=person, defaults={"digest": "daily", "at_once": False})
    act(world)
    failed = {"status": "failed", "finished_at": timezone.now(), "message": f"{A}Message"}
    Slot.objects.create(work="full_run", slot="2026-11-22 02:30", due_at=NOW, **failed)
    ImportBatch.objects.create(kind="customers", file_name=f"{A}File", **failed)
    # The ledger is written by the clock of this machine; what is held back by that of the company.
    on = timezone.localtime(timezone.now()).date() + datetime.timedelta(days=1)
    Customer.objects.update(health=3, renewal_date=on + datetime.timedelta(days=10))
    CSM.objects.update(leaves_on=on + datetime.timedelta(days=20))
    digests.write_digests(on=on, at=NOW + datetime.timedelta(days=1))
    told = Notice.objects.filter(kind="digest")
    return {
        name: "\n".join(f"{row.subject}\n{row.body}" for row in told if row.to_id == person.pk)
        for name, person in world.persons.items()
    }


def test_no_digest_says_a_label_or_a_word_of_a_book_that_is_not_the_persons(world, settings):
    """Digests of every role, with held mail, changes of the ledger, failures and canaries in every text of the rows."""
    found = digests_of_a_day(world)
    assert {name for name, text in found.items() if not text} == {"nobody"}
    assert all("What you are told here" in found[name] for name in ("manager_a", "csm_a"))
    assert [
        heading
        for heading in ("Your teams", "For CS ops", "Your book")
        if heading not in "".join(found.values())
    ] == []
    assert "The service of" in found["csm_a"]
    assert f"{A}CustomerName" in found["csm_a"]
    plain = {name: text.replace(settings.SITE_URL, "") for name, text in found.items()}
    assert {name: LABEL.findall(text) for name, text in plain.items() if LABEL.search(text)} == {}
    tiers = set(Tier.objects.values_list("name", flat=True))
    texts = {
        f"{book}{word}"
        for book in BOOKS
        for word in ("Override", "Motto", "Message", "File", "Goal", "Move", "Objection")
    }
    assert [(name, word) for name, text in plain.items() for word in tiers | texts if word in text] == []
    foreign = [
        (name, book)
        for name, text in plain.items()
        for book in BOOKS
        if book in text and book not in READS.get(name, ())
    ]
    assert foreign == []


def calendar_of(world, person, **more):
    """The file as a calendar program gets it: no cookie, only the address."""
    token = calendars.make_calendar(actor=world.persons[person], on=TODAY, at=NOW)
    return world.clients["stranger"].get(reverse("calendar_file", args=[token]), **more)


def test_no_calendar_says_a_label_or_a_word_of_a_book_that_is_not_the_csms(world):
    """Activities and logged touches with every internal word in their names, done ones with notes, and renewals."""
    internal = [
        "High-touch flow",
        "Tier talk",
        "Score",
        "Override call",
        "Health check",
        "Global review",
        "Pyramid",
    ]
    for book in BOOKS:
        customer = Customer.objects.get(pk=world.customers[book][1].pk)
        for number, name in enumerate(internal):
            line = TouchActivity.objects.create(
                tier_id=customer.tier_id, name=f"{name} {book}", times_a_year=26, hours_each=number
            )
            done = {"status": "done", "done_on": TODAY, "closed_at": NOW, "words": f"{book}Note"}
            Touch.objects.create(customer=customer, activity=line, name=name, due_on=TODAY, hours=1, **done)
    for person, book in (("csm_a", A), ("csm_a2", BOOKS[1]), ("csm_b", BOOKS[2])):
        answer = calendar_of(world, person)
        text = answer.content.decode().replace("\r\n ", "")
        assert f"{book}CustomerName0" in text
        assert len(text) > 20_000
        # What an activity is about ("Health check") is said; nothing else.
        assert faults(text, world) | faults(text_of(answer), world) == {"Health"}
        assert [word for word in (*(f"{one}Note" for one in BOOKS),) if word in text] == []
        assert [other for other in BOOKS if other != book and f"{other}Customer" in text] == []


def test_the_control_the_names_as_they_stand_would_be_found(world, monkeypatch):
    monkeypatch.setattr(
        "allocation.selectors.calendar_feed.OutsideWords.words_of", lambda self, name, channel: name
    )
    customer = Customer.objects.get(pk=world.customers[A][1].pk)
    TouchActivity.objects.create(tier=customer.tier, name="High-touch flow", times_a_year=26, hours_each=1)
    assert faults(calendar_of(world, "csm_a").content.decode().replace("\r\n ", ""), world)


def act(world):
    """One flow after another that tells somebody something."""
    customer = world.customers[A][2]
    other = Tier.objects.exclude(pk=customer.tier_id).order_by("rank")[0]
    asked = overrides.request_override(
        customer_id=customer.pk, tier_id=other.pk, reason_kind="risk", words="Because of them", evidence="",
        starts_on=TODAY, expires_on=TODAY + datetime.timedelta(days=9), actor=world.persons["csm_a"], on=TODAY, at=NOW,
    )  # fmt: skip
    overrides.edit_override(
        override_id=asked.pk, actor=world.persons["ops"], words="Because of them", on=TODAY, at=NOW,
        expires_on=TODAY + datetime.timedelta(days=8),
    )  # fmt: skip
    overrides.approve_override(
        override_id=asked.pk, actor=world.persons["manager_a"], words="Because of them", on=TODAY, at=NOW
    )
    overrides.warn_of_ending(on=TODAY + datetime.timedelta(days=3), at=NOW)
    overrides.expire_overrides(on=TODAY + datetime.timedelta(days=30), at=NOW)
    BookPlan.objects.filter(pk=world.objects["plan"].pk).update(status="awaiting_approval")
