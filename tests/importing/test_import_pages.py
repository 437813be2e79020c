"""The import in the admin: upload, preview, confirm, result; who may, and what happens to a second click."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import CSM, ColumnMapping, Customer, ImportBatch, Vertical
from allocation.tasks.importing import apply_import, stage_import
from tests.factories import CustomerFactory

SignIn = Callable[[object], Client]


def send(client: Client, content: str, name: str = "list.csv", **fields: str) -> ImportBatch:
    """Upload a file of customers; gives the batch it became."""
    file = SimpleUploadedFile(name, content.encode())
    answer = client.post(
        reverse("admin:import_customers"), {"file": file, "allow_new_values": "on", **fields}
    )
    assert answer.status_code == 302, answer.content.decode()
    return ImportBatch.objects.order_by("-pk").first()


def page(client: Client, batch: ImportBatch, **query: str) -> str:
    return client.get(reverse("admin:import_preview", args=[batch.pk]), query).content.decode()


def test_a_file_is_previewed_confirmed_and_applied(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(
        client, "external_id,name,vertical,arr,csm\nA1,Acme,Retail,100.50,Zoe Q\nA2,Beta,Retail,x,\n"
    )
    assert batch.status == "staged"
    assert not Customer.objects.exists()
    shown = page(client, batch)
    assert "Acme" in shown
    assert "This is no number" in shown
    assert "Zoe Q" in shown
    answer = client.post(reverse("admin:import_confirm", args=[batch.pk]))
    assert answer.status_code == 302
    acme = Customer.objects.get()
    assert (acme.external_id, str(acme.arr), acme.vertical.name, acme.csm.name) == (
        "A1",
        "100.50",
        "Retail",
        "Zoe Q",
    )
    assert CSM.objects.get(name="Zoe Q").user is None
    batch.refresh_from_db()
    assert (batch.status, batch.created, batch.rejected) == ("applied", 1, 1)
    assert "Applied on" in page(client, batch)


def test_a_second_confirmation_changes_nothing(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "external_id,name\nA1,Acme\n")
    for _ in range(2):
        client.post(reverse("admin:import_confirm", args=[batch.pk]))
    assert Customer.objects.count() == 1
    assert "This import was confirmed already." in page(client, batch)


def test_a_preview_left_open_in_another_tab_confirms_nothing_it_did_not_show(
    cast: SimpleNamespace, sign_in: SignIn
) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "external_id,name,alias\nA1,Acme,Other\n")
    first = {"seen": batch.fence}
    assert f'name="seen" value="{batch.fence}"' in page(client, batch)
    columns = {"column-0": "external_id", "column-1": "", "column-2": "name"}
    client.post(reverse("admin:import_read_again", args=[batch.pk]), columns)
    client.post(reverse("admin:import_confirm", args=[batch.pk]), first)
    assert not Customer.objects.exists()
    assert "was read again since this preview" in page(client, batch)
    batch.refresh_from_db()
    client.post(reverse("admin:import_confirm", args=[batch.pk]), {"seen": batch.fence})
    assert Customer.objects.get().name == "Other"


def test_what_was_previewed_is_what_is_applied_or_nothing_is(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    acme = CustomerFactory(external_id="A1", name="Acme", arr=1)
    batch = send(client, "external_id,arr\nA1,5\n")
    Customer.objects.filter(pk=acme.pk).update(arr=3)
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    acme.refresh_from_db()
    assert acme.arr == 3
    batch.refresh_from_db()
    assert batch.status == "staged"
    assert "have changed since the preview" in page(client, batch)
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    acme.refresh_from_db()
    assert acme.arr == 5


def test_columns_can_be_chosen_and_kept_in_the_preview(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "Account Name,Annual Revenue,NPS\nAcme,100,-5\n")
    assert "your own turnover" in page(client, batch) or "own turnover" in page(client, batch)
    answer = client.post(
        reverse("admin:import_read_again", args=[batch.pk]),
        {
            "column-0": "name",
            "column-1": "arr",
            "column-2": "attr:nps",
            "allow_new_values": "on",
            "save_as": "Ours",
        },
    )
    assert answer.status_code == 302
    batch.refresh_from_db()
    assert batch.new_values == {"attr:nps": ["number"]}
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    acme = Customer.objects.get()
    assert (acme.external_id, acme.arr, acme.attributes) == ("Acme", 100, {"nps": -5})
    assert ColumnMapping.objects.get().mapping == {
        "Account Name": "name",
        "Annual Revenue": "arr",
        "NPS": "attr:nps",
    }
    kept = ColumnMapping.objects.get()
    again = send(client, "Account Name,Annual Revenue,NPS\nAcme,100,-5\n", saved_mapping=str(kept.pk))
    assert (again.unchanged, again.rejected) == (1, 0)


def test_a_number_with_two_readings_is_asked_about(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "name,arr\nAcme,1.234\n")
    assert batch.status == "asking"
    assert "This can be read in two ways" in page(client, batch)
    client.post(
        reverse("admin:import_read_again", args=[batch.pk]),
        {"column-0": "name", "column-1": "arr", "number_style": "comma", "allow_new_values": "on"},
    )
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    assert Customer.objects.get().arr == 1234


def test_headers_nobody_knows_can_be_mapped_on_the_page(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "Kunde,Umsatz\nAcme,5\n")
    assert batch.status == "failed"
    shown = page(client, batch)
    assert "None of the headers is known" in shown
    assert 'name="column-0"' in shown
    client.post(reverse("admin:import_read_again", args=[batch.pk]), {"column-0": "name", "column-1": "arr"})
    batch.refresh_from_db()
    assert (batch.status, batch.created) == ("staged", 1)


def test_refused_rows_can_be_downloaded_mended_and_sent_again(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, 'external_id,name,arr\nA1,Acme,1\nA2,"=1+1, ""x""",bad\n')
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    answer = client.get(reverse("admin:import_refused", args=[batch.pk]))
    text = answer.content.decode("utf-8-sig")
    assert text.splitlines()[0] == "import_line,import_reason,external_id,name,arr"
    assert "'=1+1" in text, "a formula is marked as text"
    again = send(client, text.replace("bad", "7"))
    assert (again.created, again.rejected) == (1, 0)
    client.post(reverse("admin:import_confirm", args=[again.pk]))
    assert Customer.objects.get(external_id="A2").name == '=1+1, "x"'


def test_a_discarded_import_leaves_nothing_behind(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "name,vertical\nAcme,Retail\n")
    client.post(reverse("admin:import_discard", args=[batch.pk]))
    batch.refresh_from_db()
    assert batch.status == "discarded"
    assert not batch.chunks.exists()
    assert not hasattr(batch, "file")
    assert not Vertical.objects.exists()
    assert client.get(reverse("admin:import_preview", args=[batch.pk])).status_code == 200


def test_a_file_that_cannot_be_read_gives_a_sentence_and_no_error_page(
    cast: SimpleNamespace, sign_in: SignIn
) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "name,name\nA,B\n", name="../../etc/<b>passwd\r\n.csv")
    shown = page(client, batch)
    assert "stands twice" in shown
    assert "<b>passwd" not in shown
    assert "etc" not in batch.file_name


@pytest.mark.parametrize("person", ["manager", "csm_a", "nobody"])
def test_only_cs_ops_reach_the_import(cast: SimpleNamespace, sign_in: SignIn, person: str) -> None:
    batch = send(sign_in(cast.ops), "name\nAcme\n")
    client = sign_in(getattr(cast, person))
    file = SimpleUploadedFile("x.csv", b"name\nBeta\n")
    assert client.post(reverse("admin:import_customers"), {"file": file}).status_code in (302, 403)
    for name in ("import_preview", "import_refused", "import_progress"):
        assert client.get(reverse(f"admin:{name}", args=[batch.pk])).status_code in (302, 403)
    for name in ("import_confirm", "import_discard", "import_read_again"):
        assert client.post(reverse(f"admin:{name}", args=[batch.pk])).status_code in (302, 403)
    assert ImportBatch.objects.count() == 1
    batch.refresh_from_db()
    assert batch.status == "staged"


def test_reading_pages_write_nothing_by_get(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "name\nAcme\n")
    for name in ("import_confirm", "import_discard", "import_read_again"):
        assert client.get(reverse(f"admin:{name}", args=[batch.pk])).status_code == 405
    assert client.get(reverse("admin:import_preview", args=[batch.pk + 1])).status_code == 404


def test_csms_come_in_by_the_same_pages(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    file = SimpleUploadedFile("csms.csv", b"email,name,team,verticals\nzoe@x.com,Zoe,North,Retail;Tech\n")
    client.post(reverse("admin:import_csms"), {"file": file, "allow_new_values": "on"})
    batch = ImportBatch.objects.get()
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    zoe = CSM.objects.get(email="zoe@x.com")
    assert zoe.team.name == "North"
    assert sorted(zoe.verticals.values_list("name", flat=True)) == ["Retail", "Tech"]


def test_hostile_names_are_shown_as_text(cast: SimpleNamespace, sign_in: SignIn, inputs: Path) -> None:
    import json

    from tests.importing.readers import csv_of

    client = sign_in(cast.ops)
    strings = json.loads((inputs / "naughty/blns.json").read_text(encoding="utf-8"))
    batch = send(
        client,
        csv_of(
            [["external_id", "name", "csm"], *([f"n{at}", text, text] for at, text in enumerate(strings))]
        ),
    )
    shown = page(client, batch) + page(client, batch, show="rejected") + page(client, batch, page="5")
    assert "<script>alert" not in shown
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    batch.refresh_from_db()
    assert batch.status == "applied"
    names = dict(Customer.objects.values_list("external_id", "name"))
    kept = [text for text in strings if text.strip() and len(text) <= 200]
    assert len(names) == len(kept) == batch.created
    assert all(names[f"n{at}"] == text for at, text in enumerate(strings) if f"n{at}" in names)
    assert client.get(reverse("admin:accounts_customer_changelist"), {"p": 2}).status_code == 200


def test_a_large_file_is_left_to_the_worker(
    cast: SimpleNamespace, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(
        "allocation.tasks.bell.ring", lambda task, **ids: rung.append((task.name, ids["batch_id"]))
    )
    monkeypatch.setattr("allocation.admin.importing.READ_HERE_BYTES", 10)
    monkeypatch.setattr("allocation.admin.importing.WRITE_HERE_ROWS", 1)
    client = sign_in(cast.ops)
    batch = send(client, "external_id,name\nA1,Acme\nA2,Beta\n")
    assert batch.status == "queued"
    assert "data-progress-url" in page(client, batch)
    assert client.get(reverse("admin:import_progress", args=[batch.pk])).json()["finished"] is False
    stage_import(batch_id=batch.pk)
    assert client.get(reverse("admin:import_progress", args=[batch.pk])).json()["finished"] is True
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    assert not Customer.objects.exists()
    apply_import(batch_id=batch.pk)
    assert Customer.objects.count() == 2
    assert rung == [("allocation.stage_import", batch.pk), ("allocation.apply_import", batch.pk)]


def test_the_list_of_imports_leads_to_each(cast: SimpleNamespace, sign_in: SignIn) -> None:
    client = sign_in(cast.ops)
    batch = send(client, "name\nAcme\n", name="first file.csv")
    listed = client.get(reverse("admin:accounts_importbatch_changelist")).content.decode()
    assert "first file.csv" in listed
    answer = client.get(reverse("admin:accounts_importbatch_change", args=[batch.pk]))
    assert answer["Location"] == reverse("admin:import_preview", args=[batch.pk])
    assert client.get(reverse("admin:accounts_importbatch_change", args=[batch.pk + 1])).status_code == 404
