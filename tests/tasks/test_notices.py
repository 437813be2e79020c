"""The tasks of mail, and the sweep: who waits is told, what is written down is sent, and no command prints a mail."""

import json

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from allocation.models import Notice
from allocation.tasks import notices
from allocation.tasks.notices import send_notices, tell_who_decides
from tests.pages import approval_cast
from tests.pages.approval_cast import NOW, waiting_run

pytestmark = pytest.mark.django_db
CONSOLE = "django.core.mail.backends.console.EmailBackend"


@pytest.fixture
def rung(monkeypatch):
    """Names of the tasks that were rung for."""
    heard = []
    for module in ("allocation.tasks.notices", "allocation.management.commands.sweep"):
        monkeypatch.setattr(f"{module}.ring", lambda task, **ids: heard.append(task.name))
    return heard


def leave(person, about="request-1"):
    Notice.objects.leave(
        to=[person.pk], kind="decided", about=about, subject="A request was decided", body="Look.", at=NOW
    )


def test_the_task_sends_what_is_written_down(cast):
    leave(cast.ops)
    send_notices()
    send_notices()  # delivered twice
    assert [message.subject for message in mail.outbox] == ["A request was decided"]


def test_the_task_takes_no_more_than_its_limit(cast):
    for number in range(3):
        leave(cast.ops, f"request-{number}")
    send_notices(limit=2)
    assert len(mail.outbox) == 2


def test_what_waits_is_told_and_the_sending_is_rung_for(cast, rung):
    waiting_run(approval_cast.build(cast).ops)
    tell_who_decides()
    assert rung == ["allocation.send_notices"]
    tell_who_decides()
    assert rung == ["allocation.send_notices"]  # nothing new, nothing to send


def test_mail_that_fails_is_logged_without_what_it_says(cast, monkeypatch, caplog):
    leave(cast.ops)

    def refuse(self, messages):
        raise OSError(messages[0].subject)

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    send_notices()
    assert "1 notices were not sent" in caplog.text
    assert "decided" not in caplog.text
    assert "ops@example.com" not in caplog.text


def test_both_are_on_the_timetable():
    from cstiers.celery import app

    names = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {"allocation.send_notices", "allocation.tell_who_decides"} <= names


def test_the_sweep_counts_mail_and_rings_for_it(cast, rung, capsys):
    leave(cast.ops)
    call_command("sweep", "--format", "json")
    assert (json.loads(capsys.readouterr().out)["notices"], rung) == (1, [])
    call_command("sweep", "--format", "json", "--apply")
    assert json.loads(capsys.readouterr().out)["notices"] == 1
    assert rung[:2] == ["allocation.tell_who_decides", "allocation.send_notices"]
    assert mail.outbox == []  # a worker sends


def test_done_here_mail_is_sent_and_stdout_is_the_answer_alone(cast, settings, capsys):
    """Without a mail server mails are printed: to the terminal, not among the JSON."""
    settings.EMAIL_BACKEND = CONSOLE
    leave(cast.ops)
    call_command("sweep", "--format", "json", "--here")
    said = capsys.readouterr()
    assert json.loads(said.out)["notices"] == 1
    assert "A request was decided" in said.err
    assert Notice.objects.get().sent_at is not None


def test_a_command_that_decides_prints_no_mail(cast, settings, capsys):
    settings.EMAIL_BACKEND = CONSOLE
    world = approval_cast.build(cast)
    run = waiting_run(world.ops, moves=0)
    call_command("run", "approve", str(run.pk), "--format", "json", "--as", world.manager.email)
    said = capsys.readouterr()
    assert json.loads(said.out)["status"] == "proposed"
    assert "Subject:" not in said.out + said.err
    assert Notice.objects.filter(to=world.ops, sent_at__isnull=True).exists()
    assert notices.LIMIT >= 1
    assert timezone.now() > NOW
