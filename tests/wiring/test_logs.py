"""A line of the logs: who reads it can follow a request or a task, and learns nothing about a customer."""

import datetime
import json
import logging
import sys
from types import SimpleNamespace

import pytest
from celery import Celery
from django.db import DataError, IntegrityError, connection
from django.http import HttpResponse
from django.test import RequestFactory
from gunicorn.config import Config

from accounts.models import Customer
from cstiers.logs import JsonLines, TextLines, discreet, logging_settings
from cstiers.middleware import RequestIds
from cstiers.site_logs import SiteLogger

CANARY = "Kestrel Quagmire"
EVERY = {"time", "level", "logger", "message", "process"}


def record(message="Something happened.", exc_info=None, **extra):
    made = logging.getLogger("allocation.tasks").makeRecord(
        "allocation.tasks", logging.WARNING, __file__, 1, message, (), exc_info, extra=extra
    )
    made.created = 1_795_000_000.25
    return made


def line(**named):
    return json.loads(JsonLines().format(record(**named)))


def test_a_line_of_json_has_its_time_level_logger_message_and_process():
    found = line()
    assert set(found) == EVERY
    assert (found["time"], found["level"], found["logger"]) == (
        "2026-11-18T11:06:40.250Z",
        "WARNING",
        "allocation.tasks",
    )


def test_a_line_of_text_says_the_same():
    made = record(run_id=7)
    assert TextLines().format(made) == (
        f"2026-11-18T11:06:40.250Z WARNING allocation.tasks [{made.process}] Something happened. run_id=7"
    )


def test_ids_given_as_extra_are_kept_and_everything_else_is_not():
    found = line(
        run_id=7, customer_ids=[1, 2], customer=CANARY, data={"kwargs": CANARY}, email="a@example.com"
    )
    assert set(found) == EVERY | {"run_id", "customer_ids"}


def answered(header=None, user=None):
    """What is logged while a request is answered, and the answer."""
    seen = {}

    def view(request):
        if user:
            request._cached_user = SimpleNamespace(pk=user)
        seen.update(line())
        return HttpResponse()

    headers = {"X-Request-ID": header} if header is not None else {}
    answer = RequestIds(view)(RequestFactory().get("/", headers=headers))
    return seen, answer["X-Request-ID"]


def test_a_line_in_a_request_has_its_id_which_the_answer_tells_and_the_users_number():
    seen, told = answered(user=42)
    assert seen["request_id"] == told
    assert len(told) == 32
    assert seen["user_id"] == 42
    assert "user_id" not in answered()[0]
    assert set(line()) == EVERY  # afterwards nothing of it is left


@pytest.mark.parametrize("given", ["abcd1234", "4f0c8b2e-5a6d-4b8e-9f1d-2c3b4a5d6e7f", "a" * 64])
def test_the_id_that_the_proxy_gave_is_kept(given):
    assert answered(given)[1] == given


@pytest.mark.parametrize(
    "given", ["", "short", "a" * 65, "a b c d e f", "x\ny-forged-line", "<script>alert(1)", "é" * 9]
)
def test_an_id_that_is_odd_is_replaced(given):
    assert answered(given)[1] != given


def test_a_line_in_a_task_has_its_name_and_id():
    app = Celery("logs-test", broker="memory://", set_as_current=False)
    seen = {}

    @app.task(name="allocation.sweep_test")
    def task():
        seen.update(line())

    task.apply(task_id="1234").get()
    assert (seen["task"], seen["task_id"]) == ("allocation.sweep_test", "1234")


def test_looking_at_who_asks_costs_no_query(client, db, django_assert_num_queries):
    client.get("/healthz")
    with django_assert_num_queries(0):
        RequestIds(lambda request: HttpResponse())(RequestFactory().get("/"))


def refused_by_the_database(**fields):
    """The exception of a row with a canary that the database refuses, as a log would have it."""
    try:
        Customer.objects.bulk_create([Customer(name=CANARY, external_id=CANARY, **fields)])
    except (IntegrityError, DataError):
        return sys.exc_info()
    raise AssertionError("the row was taken")


@pytest.mark.django_db
@pytest.mark.parametrize("formatter", [JsonLines, TextLines])
@pytest.mark.parametrize("fields", [{"arr": -5}, {"currency": f"{CANARY} of Xanadu"}])
def test_what_a_database_says_about_a_row_it_refuses_is_cut_off(formatter, fields):
    found = refused_by_the_database(**fields)
    told = formatter().format(record(exc_info=found))
    assert "Error" in told
    assert CANARY not in told
    worker = record(message=f"Task allocation.x[1] raised unexpected: {found[1]!r}")
    assert CANARY not in formatter().format(worker)


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_control_postgresql_does_tell_values_of_the_row():
    assert CANARY in str(refused_by_the_database(arr=-5)[1])


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_statement_with_a_value_is_not_shown_either():
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT '{CANARY}'::int")
    except DataError:
        caught = sys.exc_info()
    assert CANARY in str(caught[1])
    assert CANARY not in JsonLines().format(record(exc_info=caught))


def test_a_refusal_of_ours_stays_whole():
    sentence = 'Run 7 was discarded: start another one. invalid is "no word" of ours\nsecond line'
    assert discreet(sentence) == sentence


@pytest.mark.parametrize(("level", "others"), [("DEBUG", "INFO"), ("INFO", "INFO"), ("ERROR", "ERROR")])
def test_however_low_the_level_only_our_own_parts_say_more_than_info(level, others):
    """django.db.backends and django.template tell values of rows at DEBUG."""
    made = logging_settings(level=level, named="json")
    assert made["root"]["level"] == made["loggers"]["django"]["level"] == others
    assert {made["loggers"][name]["level"] for name in ("accounts", "allocation", "cstiers")} == {level}


SECRET = "oaSvGUi8gToOGSQ3k0_6P8RSzfhvQY_q9bBdUMcRkkM"


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()], ids=["text", "json"])
def test_no_line_holds_the_secret_of_a_calendars_address(formatter):
    """Django's own line about a 404, as of an address that was switched off for a while."""
    said = formatter.format(record(f"Not Found: /calendar/{SECRET}.ics"))
    assert SECRET not in said
    assert "/calendar/(secret).ics" in said


def test_nor_does_the_sites_line_about_an_answer():
    config = Config()
    config.set("accesslog", "-")
    logger = SiteLogger(config)
    told = []
    logger.access_log = SimpleNamespace(info=lambda *args, **more: told.append(repr((args, more))))
    request = {"PATH_INFO": f"/calendar/{SECRET}.ics", "REQUEST_METHOD": "GET"}
    took = datetime.timedelta(seconds=1)
    logger.access(SimpleNamespace(status="200 OK", sent=7), None, request, took)
    assert SECRET not in told[0]
    assert told[0].count("/calendar/(secret).ics") == 2
