"""All settings, each read from the environment; `docs/operations.md` lists them.

The defaults start a working instance: SQLite, Celery inside the web process, a folder for what is
learned. `RECSYS_DEBUG=0` is production: it refuses to start without its secrets.
"""

from __future__ import annotations

from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from recsys.environment import env, env_bool, env_choice, env_int, env_list, env_secret, env_typos

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env_bool("RECSYS_DEBUG", default=True)

# --- secrets ---------------------------------------------------------------------------------

SECRET_KEY = env_secret("RECSYS_SECRET_KEY", has_default=DEBUG)
# Keys the pseudonyms of viewers (spec §10.1). Losing it unlinks every viewer; keep it apart.
PSEUDONYM_KEY = env_secret("RECSYS_PSEUDONYM_KEY", has_default=DEBUG)

# --- what is where ---------------------------------------------------------------------------

VAR_DIR = Path(env("RECSYS_VAR_DIR", str(BASE_DIR / "var")))
ARTIFACT_ROOT = VAR_DIR / "artifacts"
# Files of contents; they are analyzed, never served from here.
MEDIA_ROOT = Path(env("RECSYS_MEDIA_DIR") or VAR_DIR / "uploads")
VAR_DIR.mkdir(parents=True, exist_ok=True)

DATABASES = {
    "default": dj_database_url.parse(
        env("DATABASE_URL", f"sqlite:///{VAR_DIR / 'recsys.sqlite3'}"),
        conn_max_age=600,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"
            "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
        ),
    }
REDIS_URL = env("REDIS_URL")

ALLOWED_HOSTS = env_list("RECSYS_ALLOWED_HOSTS", "*" if DEBUG else "")
CSRF_TRUSTED_ORIGINS = env_list("RECSYS_TRUSTED_ORIGINS")

# --- the application -------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_prometheus",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.core",
    "apps.profiles",
    "apps.content",
    "apps.media",
    "apps.events",
    "apps.features",
    "apps.experiments",
    "apps.candidates",
    "apps.ranking",
    "apps.learning",
    "apps.feed",
    "apps.insights",
    "apps.moderation",
    "apps.federation",
    "apps.simulation",
]

MIDDLEWARE = [
    "recsys.probes.Probes",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "recsys.urls"
WSGI_APPLICATION = "recsys.wsgi.application"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"

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
    }
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = DEBUG

AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"

# --- REST ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.core.auth.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.auth.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.json.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.json.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.schema.OperationSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.core.json.AlwaysJSON",
    "EXCEPTION_HANDLER": "apps.core.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "recsys",
    "DESCRIPTION": "Self-hosted recommendations for short video.",
    "VERSION": "1",
    "OAS_VERSION": "3.0.3",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# --- security --------------------------------------------------------------------------------

# The app's own storage: files named by their address are fetched from these origins, and pages show
# what is there. An https one must have public addresses, an http one (http://minio:9000) is inside
# the operator's network.
MEDIA_ORIGINS = {origin.lower().rstrip("/") for origin in env_list("RECSYS_MEDIA_ORIGINS")}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *sorted(MEDIA_ORIGINS)],
        "media-src": [SELF, *sorted(MEDIA_ORIGINS)],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
if not DEBUG:
    SECURE_SSL_REDIRECT = env_bool("RECSYS_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
TRUST_PROXY = env_bool("RECSYS_TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- cache and periodic work -----------------------------------------------------------------

# Django's own cache stays in the process; what is shared is in `apps.core.cache`, which treats
# Redis as what may fail.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = {} if REDIS_URL else {"polling_interval": 0.05}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Without Redis the web process itself runs a worker and beat, in threads.
EMBEDDED_WORKER = env_bool("RECSYS_EMBEDDED_WORKER", default=not REDIS_URL)

# --- mail, of alerts only --------------------------------------------------------------------

EMAIL_HOST = env("RECSYS_EMAIL_HOST", "localhost")
EMAIL_PORT = env_int("RECSYS_EMAIL_PORT", default=25, low=1, high=65_535)
EMAIL_HOST_USER = env("RECSYS_EMAIL_USER")
EMAIL_HOST_PASSWORD = env("RECSYS_EMAIL_PASSWORD")
EMAIL_USE_TLS = env_bool("RECSYS_EMAIL_TLS", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("RECSYS_EMAIL_FROM", "recsys@localhost")

# --- recommendations -------------------------------------------------------------------------

# What a stored artifact of each kind must prove in a child process before it may serve.
ARTIFACT_CHECKS = {
    "bundle": "apps.learning.bundle.check_bundle",
    "online": "apps.learning.online.increment.check_increment",
    "screening": "apps.moderation.screening.check_screening",
}
# Seconds between looks at the database for new contents, counters and promoted bundles.
# 0 = look within every request (tests and commands), else a thread does it.
REFRESH_SECONDS = env_int("RECSYS_REFRESH_SECONDS", default=1, low=0, high=60)
# What finds the nearest vectors among very many: annoy, faiss (if installed), or exact.
VECTOR_INDEX = env_choice("RECSYS_VECTOR_INDEX", "annoy", "faiss", "exact")
# Minutes after which the nightly search for better parameters is cut; 0: no search.
TUNE_MINUTES = env_int("RECSYS_TUNE_MINUTES", default=60, low=0, high=150)
# Seconds after a view until what followed it is taken for complete and learned from.
LABEL_DELAY_SECONDS = env_int("RECSYS_LABEL_DELAY_SECONDS", default=600, low=0, high=86_400)
# Where a day of the KPIs begins: minutes that the clock of the day is ahead of UTC.
DAY_UTC_OFFSET_MINUTES = env_int("RECSYS_DAY_UTC_OFFSET_MINUTES", default=0, low=-720, high=840)
# Who is told of alerts by mail, comma-separated; nobody by default.
ALERT_EMAILS = env_list("RECSYS_ALERT_EMAILS")
# How a new bundle comes to serve everybody: off (the offline gates alone), holdback (some viewers
# keep the one before for hours), canary (shadow and canary before, holdback after).
ROLLOUT = env_choice("RECSYS_ROLLOUT", "holdback", "off", "canary")
# Whether the screening removes what it is certain about, or leaves that to moderators as well.
SCREENING_REMOVES = env_bool("RECSYS_SCREENING_REMOVES", default=True)
# Whether webhooks may go to private addresses and over plain HTTP: for development only.
WEBHOOK_PRIVATE = env_bool("RECSYS_WEBHOOK_PRIVATE", default=False)
# The largest file of a content that is taken.
MEDIA_MAX_BYTES = env_int("RECSYS_MEDIA_MAX_MB", default=100, low=1, high=10_000) * 1_000_000
# Unsafe scores of pictures, in percent, from which on one waits for a moderator and is removed; 101
# is never. They rest on no labels of this installation's.
UNSAFE_PERCENT = (
    env_int("RECSYS_UNSAFE_REVIEW_PERCENT", default=70, low=0, high=101),
    env_int("RECSYS_UNSAFE_REMOVE_PERCENT", default=98, low=0, high=101),
)
if UNSAFE_PERCENT[0] > UNSAFE_PERCENT[1]:
    raise ImproperlyConfigured(
        "RECSYS_UNSAFE_REMOVE_PERCENT: expected RECSYS_UNSAFE_REVIEW_PERCENT or more"
    )
# The weights of the network that looks at files: by default those of the package in
# requirements-media.txt, if it is installed.
VISUAL_MODEL = env("RECSYS_VISUAL_MODEL")
# Who may open the playable preview at `/`: everybody in debug, else staff.
PREVIEW_IS_PUBLIC = env_bool("RECSYS_PREVIEW_PUBLIC", default=DEBUG)
# What time it is, ms since 1970 UTC, in a process of a simulation; 0: the real time.
VIRTUAL_MS = env_int("RECSYS_VIRTUAL_MS", default=0, low=0, high=4_102_444_800_000)
if VIRTUAL_MS and not DEBUG:
    raise ImproperlyConfigured("RECSYS_VIRTUAL_MS is for simulations; RECSYS_DEBUG=0 refuses it")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
    },
    "filters": {"repeats": {"()": "apps.core.logs.Repeats"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["repeats"],
        }
    },
    "root": {"handlers": ["console"], "level": env("RECSYS_LOG_LEVEL", "INFO")},
    # Django's own handler in debug would say everything twice.
    "loggers": {"celery": {"level": "WARNING"}, "django": {"handlers": [], "level": "INFO"}},
}

env_typos()
