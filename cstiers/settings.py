"""Settings, read from the environment (docs/running.md lists every variable).

Nothing set means the embedded installation: SQLite under var/, tasks on an embedded runner, debug off.
"""

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from cstiers.environment import Environment, broker, folder, patience
from cstiers.logs import logging_settings
from cstiers.production import refuse_bad_settings
from cstiers.signing_in.options import provider_of

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()

# Everything an installation writes beside its database: the SQLite file, the embedded broker, the secret key.
VAR_DIR = Path(env("VAR_DIR", default=str(BASE_DIR / "var")))


def embedded_secret_key(path: Path) -> str:
    """The key of an embedded installation: made once, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key(), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


DEBUG = env.bool("DEBUG", default=False)
DATABASE_URL = env("DATABASE_URL", default="") or f"sqlite:///{VAR_DIR / 'cstiers.sqlite3'}"
REDIS_URL = broker(env("REDIS_URL", default=""))
EMBEDDED_DATABASE = DATABASE_URL.startswith("sqlite")

SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY:
    if not EMBEDDED_DATABASE:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. With a database server it must be given: a long random text."
        )
    SECRET_KEY = embedded_secret_key(VAR_DIR / "secret_key")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "cstiers.apps.CstiersAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "django_filters",
    "import_export",
    "auditlog",
    "django_celery_beat",
    "cstiers",
    "accounts",
    "allocation",
]

MIDDLEWARE = [
    "cstiers.middleware.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "cstiers.middleware.RefuseNulInAddresses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "cstiers.middleware.ChangesAreOfWhoAsks",
    "cstiers.signing_in.sessions.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cstiers.middleware.NeverStoreSignedInPages",
    "cstiers.middleware.PageForWrongMethod",
    "axes.middleware.AxesMiddleware",  # turns a sign-in without a free place into our page
]

ROOT_URLCONF = "cstiers.urls"
WSGI_APPLICATION = "cstiers.wsgi.application"
ASGI_APPLICATION = "cstiers.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# A worker that gives no sign of life for so long has lost what it worked on: another takes it up.
LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)

DATABASES = {"default": env.database(DATABASE_URL)}
if EMBEDDED_DATABASE:
    # WAL lets people read while one writes; IMMEDIATE takes the write lock at BEGIN, so that a
    # read-then-write waits its turn instead of failing at once with "database is locked". What REPLACE deletes fires the
    # triggers on deleting (allocation.triggers.written) only where triggers may be recursive.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON",
    }
    folder(Path(DATABASES["default"]["NAME"]).parent)
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        # A server that vanished without a word (a cable, a frozen machine) is noticed within a minute.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
        **patience(
            lock_timeout=env.int("DATABASE_LOCK_SECONDS", default=20),
            statement_timeout=env.int("DATABASE_STATEMENT_SECONDS", default=0),
            # A worker that hangs within a transaction holds its locks; they must not outlast its claim.
            idle_in_transaction_session_timeout=env.int("DATABASE_IDLE_SECONDS", default=LEASE_SECONDS),
        ),
        **DATABASES["default"].get("OPTIONS", {}),
        # What locks are thought through for, whatever the server's default is: who waited for a lock sees what was committed meanwhile.
        "isolation_level": 2,  # READ COMMITTED, as the driver numbers it
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# Single sign-on, where OIDC_… variables describe a provider (docs/signing-in.md); None switches it off altogether.
OIDC = provider_of(env)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # asks for a free place before a password is looked at
    "cstiers.signing_in.backends.BreakGlassPassword"
    if OIDC and OIDC.only
    else "cstiers.signing_in.backends.Password",
    *(["cstiers.signing_in.oidc.ByProvider"] if OIDC else []),
]
# The first one is for new passwords; a password of another kind is stored anew when its owner signs in.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Guesses: so many wrong passwords for one person from one address, and for everybody from one address, in a while.
SIGN_IN_GUESSES = env.int("SIGN_IN_GUESSES", default=5)
SIGN_IN_GUESSES_OF_ADDRESS = env.int("SIGN_IN_GUESSES_OF_ADDRESS", default=50)
SIGN_IN_MINUTES = env.int("SIGN_IN_MINUTES", default=15)
# Proxies between the internet and this process: so many entries of X-Forwarded-For are believed, from the right.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=1 if BEHIND_PROXY else 0)
# django-axes gives the hooks and the table; who gets a place is ours to say (cstiers/signing_in/throttle.py).
AXES_HANDLER = "cstiers.signing_in.throttle.PlaceBeforeCheck"
AXES_LOCKOUT_CALLABLE = "cstiers.signing_in.views.too_many_guesses"
AXES_CLIENT_IP_CALLABLE = "cstiers.signing_in.address.client_address"
AXES_USERNAME_FORM_FIELD = "username"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False  # cstiers/admin.py shows the locks
AXES_VERBOSE = False

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = "cstiers.formats"

STATIC_URL = "static/"
STATIC_ROOT = folder(VAR_DIR / "static")  # WhiteNoise warns about a folder that is not there
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the files of the package are served as they are
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "cstiers.static_files.KeptAddresses"},
}

SESSION_ENGINE = "cstiers.signing_in.store"
# A sign-in lasts so long at most, and so long without a request (cstiers/signing_in/sessions.py).
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=8) * 3600
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_MINUTES", default=30) * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# Behind TLS (every real installation): HTTPS_ONLY=1 makes cookies and redirects insist on it.
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True  # scripts of ours take the token from the page
if HTTPS_ONLY:  # browsers take a cookie of such a name from this very host only, by TLS, for all of it
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
# Being in the browsers' own list is for the owner of the domain to decide.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}

# The log of changes: names as they were on the day, no network addresses, nothing that a request header says.
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_USE_FK_STRING_REPRESENTATION = True
AUDITLOG_DISABLE_REMOTE_ADDR = True
AUDITLOG_CID_HEADER = None

# Uploads: the reader's limits (docs/importing.md); larger files are refused with a sentence.
UPLOAD_LIMITS = {
    "file_bytes": 64 * 1024 * 1024,
    "unzipped_bytes": 256 * 1024 * 1024,
    "rows": 200_000,
    "columns": 100,
    "cells": 5_000_000,
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_USE_TRANSACTIONS = True

# The sweep rings again for work that waits longer than this, and runs this often.
SWEEP_SECONDS = env.int("SWEEP_SECONDS", default=30)
# A plan is computed on so many threads of a process; more would take the machine from the people who use the pages.
PLAN_THREADS = env.int("PLAN_THREADS", default=2)
# The groups of a plan go to any worker that is free, where there can be several: on PostgreSQL and Redis.
SHARE_PLANS = env.bool("SHARE_PLANS", default=True) and bool(REDIS_URL) and not EMBEDDED_DATABASE
# Workers and beat leave a sign of life this often; who is silent six times as long is named (/healthz, landing page).
PULSE_SECONDS = env.int("PULSE_SECONDS", default=10)

# All customers are tiered anew once a year (design: tiers change seldom); in between, goals runs move those whose
# goals changed. The home page of CS ops says when the next full run is due.
FULL_RUN_EVERY_DAYS = env.int("FULL_RUN_EVERY_DAYS", default=365)

# An override lasts at most this long; a request, a run over its limit or a move that needs approval is due in so many days.
OVERRIDE_MONTHS = env.int("OVERRIDE_MONTHS", default=12)
APPROVAL_DAYS = env.int("APPROVAL_DAYS", default=7)
# A manager who is away hands the decisions over for at most so many days.
DELEGATION_DAYS = env.int("DELEGATION_DAYS", default=90)
# The asker of an override is told so many days before it ends.
OVERRIDE_WARNING_DAYS = env.int("OVERRIDE_WARNING_DAYS", default=14)
# Leave is spoken of so many days before: to its cover, and to the manager where nobody covers.
LEAVE_WARNING_DAYS = env.int("LEAVE_WARNING_DAYS", default=7)
# Touches are planned so many days ahead; what lies beyond is worked out when somebody asks.
TOUCH_HORIZON_DAYS = env.int("TOUCH_HORIZON_DAYS", default=92)

# Mail to people of the company. Nothing set: it is written to the log of the process (console backend).
EMAIL_CONFIG = env.mail("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20  # seconds; none is the default, and a mail server that hangs would hang the worker
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", default="cstiers@localhost")
# What links in mails begin with, since a mail is written where no request is.
_ADDRESS = (
    f"https://{(ALLOWED_HOSTS or ['localhost'])[0].lstrip('.')}" if HTTPS_ONLY else "http://localhost:8000"
)
SITE_URL = env("SITE_URL", default=_ADDRESS).rstrip("/")

# Money: every amount is compared in this currency (design: amount / rate).
BASE_CURRENCY = env("BASE_CURRENCY", default="USD")
# Where the calendar fetches exchange rates from: https://… or file:///…; not set, nothing is fetched.
RATES_URL = env("RATES_URL", default="")

LOG_LEVEL = env("LOG_LEVEL", default="WARNING").upper()
LOG_FORMAT = env("LOG_FORMAT", default="text")
refuse_bad_settings(globals())

LOGGING = logging_settings(level=LOG_LEVEL, named=LOG_FORMAT)
