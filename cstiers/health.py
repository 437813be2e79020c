"""`/healthz`: ok or 503 for anyone, the parts for CS ops. It changes nothing and names nobody."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from allocation.selectors.signs_of_life import PARTS, signs_of_life

FINE = "ok"


def migrations_are_missing() -> bool:
    """True when the database is behind the code. Raises DatabaseError when it cannot be asked."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def database() -> str:
    """`ok` when a query answers and no migration is missing, otherwise a word for what is wrong."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        behind = migrations_are_missing()
    except DatabaseError:
        return "unreachable"
    return "migrations are missing" if behind else FINE


def broker() -> str:
    """`ok` when the broker answers. Without it nothing is lost: work stays queued in the database until it is back."""
    if not settings.REDIS_URL:
        return FINE  # the embedded broker is a folder
    # A client of its own: the worker library's connections are kept and retried, this must answer soon.
    client = Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None)
    try:
        client.ping()
    except (RedisError, OSError):
        return "unreachable"
    finally:
        client.close()
    return FINE


UNKNOWN = "not known while the database is not well"


def parts(*, at: datetime) -> dict[str, str]:
    """Every part and `ok` or a word for what is wrong with it: database, broker, worker, beat. Never raises.

    Only the database makes the site unable to answer. While the broker or a worker is away, work waits and none is lost.
    """
    of_database = database()
    try:
        beside = signs_of_life(at=at) if of_database == FINE else dict.fromkeys(PARTS, UNKNOWN)
    except DatabaseError:
        of_database, beside = "unreachable", dict.fromkeys(PARTS, UNKNOWN)
    return {"database": of_database, "broker": broker(), **beside}


@never_cache
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 `ok` or 503. CS ops get every part as JSON."""
    if database() != FINE:
        return HttpResponse("unavailable", status=503, content_type="text/plain")
    # Who asks is only known while the database answers.
    if request.user.is_authenticated and request.user.is_ops:
        return JsonResponse(parts(at=timezone.now()))
    return HttpResponse(FINE, content_type="text/plain")
