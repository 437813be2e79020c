"""`/healthz`: ok or 503 for anyone, the parts for CS ops. It changes nothing and names nobody."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

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


PARTS: dict[str, Callable[[], str]] = {"database": database, "broker": broker}
# What makes the site unable to answer. A broker that is away does not.
VITAL = ("database",)


@never_cache
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 `ok` or 503. CS ops get every part as JSON."""
    vital = {name: PARTS[name]() for name in VITAL}
    status = 200 if all(word == FINE for word in vital.values()) else 503
    # Who asks is only known while the database answers.
    if status == 200 and request.user.is_authenticated and request.user.is_ops:
        others = {name: check() for name, check in PARTS.items() if name not in VITAL}
        return JsonResponse({**vital, **others}, status=status)
    return HttpResponse(FINE if status == 200 else "unavailable", status=status, content_type="text/plain")
