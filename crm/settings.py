"""All settings in one place. What an operator may set is read here from the environment; docs/admin.zh.md lists it."""

import os
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from crm.environment import Environment
from crm.file_permissions import FILE, FOLDER, UMASK, WAY_THROUGH
from crm.public_paths import KEY_PATHS, PUBLIC_PATHS  # noqa: F401
from kit.pages.public_pages import logo_problem

os.umask(UMASK)  # every process of the product reads this: what it stores is for its own account only (decision 44)
BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
Environment.read_env(BASE_DIR / ".env")

CRM_ENV = env.str("CRM_ENV", "development")
if CRM_ENV not in ("development", "production"):
    raise ImproperlyConfigured("CRM_ENV 只能是 development 或 production。")
PRODUCTION = CRM_ENV == "production"
DEBUG = env.bool("CRM_DEBUG", False)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("CRM_ENV=production 时不能打开 CRM_DEBUG。请去掉 CRM_DEBUG 后再启动。")

VAR_DIR = Path(env.str("CRM_VAR_DIR", str(BASE_DIR / "var")))
if not VAR_DIR.exists():
    VAR_DIR.mkdir(parents=True)
    VAR_DIR.chmod(WAY_THROUGH)


def _secret_key() -> str:
    """Return the key from the environment; in development one made once and kept in var/."""
    key = env.str("SECRET_KEY", "")
    if key:
        return key
    if PRODUCTION:
        raise ImproperlyConfigured("CRM_ENV=production 需要环境变量 SECRET_KEY（至少 50 个随机字符）。")
    path = VAR_DIR / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
    return path.read_text().strip()


SECRET_KEY = _secret_key()
CRM_PROXY_COUNT = env.int("CRM_PROXY_COUNT", 0)
ALLOWED_HOSTS = env.list("CRM_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CRM_CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "crm",
    "kit.audit",
    "kit.jobs",
    "kit.undo",
    "kit.pages",
    "kit.exchange",
    "kit.imports",
    "accounts",
    "basedata",
    "customers",
    "marketing",
    "services",
    "reports",
    "crm.apps.CrmAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "guardian",
    "django.forms",
    "django_filters",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "crm.headers.CompressedPagesMiddleware",  # outside of what still changes a page
    "crm.headers.SecurityHeadersMiddleware",
    "crm.headers.PlainDirectionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crm.headers.RequestSizeMiddleware",
    "kit.pages.text_gate.TextGateMiddleware",
    "accounts.signin.middleware.NotingSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.signin.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kit.audit.middleware.AuditMiddleware",
    "accounts.signin.middleware.SessionLimitsMiddleware",
    "accounts.signin.middleware.NoStoreMiddleware",
    "accounts.signin.middleware.SignInMiddleware",
    "crm.errors.RefusalMiddleware",
    "crm.errors.MethodMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": [
                "kit.pages.templatetags.ui",
                "kit.pages.templatetags.form_token",
                "kit.undo.templatetags.undo",
                "crm.templatetags.files",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.navigation.navigation",
                "crm.version.version",
            ],
        },
    }
]

# Database: SQLite needs nothing; DATABASE_URL=postgres://user:password@host/name is what companies run.
DATABASES = {"default": env.db("DATABASE_URL", f"sqlite:///{VAR_DIR / 'crm.sqlite3'}")}
if DATABASES["default"].get("ENGINE") not in ("django.db.backends.sqlite3", "django.db.backends.postgresql"):
    raise ImproperlyConfigured(
        "DATABASE_URL 不能用：只支持 postgres://用户:密码@主机/库名 和 sqlite:///路径。"
        "请改正，或去掉它，就会使用 var/ 里的 SQLite。"
    )
# Limits of time in seconds, 0: none. What serves pages gives up early and says so; commands and jobs wait longer.
SERVES_PAGES = env.str("CRM_PROCESS", "command") == "web"  # said by crm/wsgi.py, not by operators
CRM_WEB_THREADS = env.int("CRM_WEB_THREADS", 8)  # of each web process
CRM_REQUEST_SECONDS = env.int("CRM_REQUEST_SECONDS", 6)  # how long one page may wait for PostgreSQL in all
CRM_LOCK_SECONDS = env.int("CRM_LOCK_SECONDS", 4 if SERVES_PAGES else 120)  # for a row or table that others hold
CRM_STATEMENT_SECONDS = env.int("CRM_STATEMENT_SECONDS", 5) if SERVES_PAGES else 0
CRM_IDLE_TRANSACTION_SECONDS = env.int("CRM_IDLE_TRANSACTION_SECONDS", 60) if SERVES_PAGES else 0
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": CRM_LOCK_SECONDS,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CRM_CONN_MAX_AGE", 300)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 2 if SERVES_PAGES else 10)
    # A pooler lends a connection per transaction: a cursor on the server would be lost between two reads.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = env.bool("CRM_PGBOUNCER", False)
    if not env.bool("CRM_PGBOUNCER", False):  # planning took as long as asking, compiling longer: decision 28
        own = DATABASES["default"].setdefault("OPTIONS", {})
        own.update(server_side_binding=True, prepare_threshold=3)
        limits = (
            f"-c lock_timeout={CRM_LOCK_SECONDS}s -c statement_timeout={CRM_STATEMENT_SECONDS}s "
            f"-c idle_in_transaction_session_timeout={CRM_IDLE_TRANSACTION_SECONDS}s"
        )
        own["options"] = f"-c jit=off -c random_page_cost=1.1 {limits} {own.get('options', '')}".strip()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Language and time: every report and rule counts in Shanghai time.
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

# Sign-in
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.signin.validators.MinimumLength"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
ANONYMOUS_USER_NAME = None  # django-guardian: no row for visitors, every page needs a person
GUARDIAN_MONKEY_PATCH_USER = False
SILENCED_SYSTEM_CHECKS = [
    "models.W040",  # covering columns of indexes serve PostgreSQL; SQLite does without
    "guardian.W001",  # shares are read as SQL by visible_to(); has_perm() stays role-only
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "accounts.signin.pages.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "kit.audit.middleware.client_ip_address"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # people are unlocked on their own page, with an audit row
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code"]
OTP_TOTP_ISSUER = "CRM"
CRM_REQUIRE_ADMIN_TOTP = env.bool("CRM_REQUIRE_ADMIN_TOTP", False)

CRM_SESSION_HOURS = env.int("CRM_SESSION_HOURS", 12)  # since signing in
CRM_SESSION_IDLE_MINUTES = env.int("CRM_SESSION_IDLE_MINUTES", 120)  # since the last request; 0: no limit
SESSION_ENGINE = "accounts.sessions.store"
SESSION_COOKIE_AGE = CRM_SESSION_HOURS * 3600 + 3600  # the cookie outlives the session, so that its end can be told
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "crm.errors.csrf_failure"

# Security headers
HTTPS = env.bool("CRM_HTTPS", PRODUCTION)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True  # forms carry the token, no script reads the cookie
if HTTPS:  # the prefix keeps pages of neighbouring host names from planting these cookies
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_HSTS_SECONDS = env.int("CRM_HSTS_SECONDS", 31536000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if CRM_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 20

FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = FILE, FOLDER

# Static files: ours in static/, third-party parts fetched from npm into static/vendor/ at set-up. They are everybody's.
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder", "crm.static_files.AppFilesFinder"]
STORAGES = {
    "default": {"BACKEND": "crm.storage.WholeFiles"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "crm.static_files.PublicStaticFilesStorage",
        "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755},
    },
}
WHITENOISE_USE_FINDERS = DEBUG
MEDIA_ROOT = VAR_DIR / "files"

# Background work
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
JOB_SILENT_SECONDS = 120
CRM_PERIODIC_TASKS: tuple[tuple[str, int, str], ...] = (  # name, seconds between runs, function
    ("jobs.rescue", 60, "kit.jobs.tasks.rescue_silent_jobs"),
    ("audit.seal", 300, "kit.audit.seals.seal_pending"),
    ("audit.prune", 86400, "kit.audit.retention.prune_expired"),
    ("jobs.forget", 86400, "kit.jobs.tasks.forget_old_files"),
    ("jobs.check", 86400, "accounts.stuck_jobs.fail_stuck"),
    ("sessions.clear", 86400, "kit.jobs.tasks.clear_expired_sessions"),
    ("sessions.forget", 86400, "accounts.sessions.models.delete_ended"),
    ("undo.forget", 3600, "kit.undo.expiry.forget_expired"),
    ("forms.forget", 86400, "kit.pages.models.forget_old_submissions"),
    ("imports.withdraw", 60, "customers.models.withdraw_stale_imports"),
    ("imports.forget", 86400, "customers.models.delete_old_uploads"),
    ("imports.forget_runs", 86400, "kit.imports.models.forget_old_runs"),
    ("opportunities.forget", 86400, "marketing.models.forget_old_marks"),
    ("services.forget", 86400, "services.models.forget_old_marks"),
    ("churn.scan", 604800, "customers.churn.tasks.scan_weekly"),
    ("services.requests.due_times", 300, "services.requests.due_times.watch"),
    ("reports.remind", 86400, "reports.reminders.remind_authors"),
    ("reports.snapshot", 86400, "reports.queries.composition.take_snapshot"),
    ("metrics.refresh", 86400, "customers.insight.nightly.refresh_nightly"),
    ("rollups.check", 86400, "customers.rollup_tasks.check_nightly"),
    ("alerts.weekly", 86400, "customers.insight.weekly.tell_weekly"),
    ("insight.monthly", 86400, "customers.insight.tasks.start_monthly"),
)
# Where a period begins when not at midnight UTC (a week: Thursday): Saturday 02:00 in Shanghai is Friday 18:00 UTC.
# The end of a month is written down from midnight in Shanghai (16:00 UTC); figures
# of customers are computed at 02:30 (18:30 UTC), the self-check follows at 03:30 (19:30 UTC); new alerts are told
# of at 07:00 (23:00 UTC).
CRM_PERIODIC_STARTS = {
    "churn.scan": 86400 + 18 * 3600,
    "reports.snapshot": 16 * 3600,
    "metrics.refresh": 18 * 3600 + 1800,
    "rollups.check": 19 * 3600 + 1800,
    "alerts.weekly": 23 * 3600,
    "insight.monthly": 20 * 3600,
}

# E-mail: off unless CRM_EMAIL_URL names a server, e.g. smtp+tls://user:password@mail.example.com:587
CRM_EMAIL_URL = env.str("CRM_EMAIL_URL", "")
CRM_BASE_URL = env.str("CRM_BASE_URL", "").rstrip("/")  # how people reach the product: links outside it begin so
if CRM_BASE_URL and not CRM_BASE_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured("CRM_BASE_URL 应以 http:// 或 https:// 开头，例如 https://crm.example.com。")
CRM_COMPANY_NAME = env.str("CRM_COMPANY_NAME", "").strip()  # on the pages that customers open
CRM_COMPANY_LOGO = env.str("CRM_COMPANY_LOGO", "")  # a PNG, JPEG or SVG file, on the same pages
if CRM_COMPANY_LOGO and (reason := logo_problem(CRM_COMPANY_LOGO)):
    raise ImproperlyConfigured(reason)
if CRM_EMAIL_URL:
    if not CRM_BASE_URL:
        raise ImproperlyConfigured(
            "CRM_EMAIL_URL 需要 CRM_BASE_URL（例如 https://crm.example.com）：邮件里的链接以它开头。"
        )
    vars().update(Environment.email_url_config(CRM_EMAIL_URL))
    CRM_PERIODIC_TASKS += (("mail.send", 60, "accounts.notifications.mail.send_queued"),)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("CRM_EMAIL_FROM", "crm@localhost")

# Business options
CRM_DUE_SOON_HOURS = env.int("CRM_DUE_SOON_HOURS", 2)  # working hours before a request is due
CRM_SYNC_STALE_DAYS = env.int("CRM_SYNC_STALE_DAYS", 2)
CRM_UNPAID_DAYS = env.int("CRM_UNPAID_DAYS", 90)  # an unpaid order this old is marked
CRM_RETURNS_POSITIVE = env.bool("CRM_RETURNS_POSITIVE", False)  # the feed writes returns positive: they are turned
CRM_SYNC_SOURCE = env.str("CRM_SYNC_SOURCE", "")  # what the scheduled sync reads: a folder or the URL of a database
if CRM_SYNC_SOURCE:
    CRM_PERIODIC_TASKS += (("sales.sync", 3600, "customers.sync.jobs.scheduled"),)
CRM_MONTHLY_REPORT_DAY = env.int("CRM_MONTHLY_REPORT_DAY", 5)  # of the following month; 0 reminds nobody
CRM_STRICT_CUSTOMER_FORM = env.bool("CRM_STRICT_CUSTOMER_FORM", False)
CRM_ATTACHMENT_MAX_MB = env.int("CRM_ATTACHMENT_MAX_MB", 20)  # one file of an interaction
CRM_REQUEST_MAX_BYTES = (10 * CRM_ATTACHMENT_MAX_MB + 10) * 1024 * 1024  # ten attachments in one form, and its text
CRM_EXPORT_DIRECT_ROWS = env.int("CRM_EXPORT_DIRECT_ROWS", 2000)
CRM_EXPORT_MAX_ROWS = env.int("CRM_EXPORT_MAX_ROWS", 200_000)
CRM_EXPORTS_AT_ONCE = env.int("CRM_EXPORTS_AT_ONCE", 3)  # unfinished in the background, of one person
CRM_EXPORT_REASON_ROWS = env.int("CRM_EXPORT_REASON_ROWS", 1000)  # more rows than this are exported for a reason only
CRM_JOB_FILE_DAYS = env.int("CRM_JOB_FILE_DAYS", 7)  # how long files of exports can be fetched
if CRM_JOB_FILE_DAYS < 1:
    raise ImproperlyConfigured("CRM_JOB_FILE_DAYS 至少为 1（天）。")
CRM_AUDIT_KEEP_MONTHS = env.int("CRM_AUDIT_KEEP_MONTHS", 0)  # 0: for ever
if 0 < CRM_AUDIT_KEEP_MONTHS < 6 or CRM_AUDIT_KEEP_MONTHS < 0:
    raise ImproperlyConfigured("CRM_AUDIT_KEEP_MONTHS 至少为 6（个月）；0 表示一直保留。")
CRM_BACKUP_KEY_FILE = env.str("CRM_BACKUP_KEY_FILE", "")  # a file with the key that encrypts backups; empty: plain
CRM_DEMO_PASSWORD = env.str("CRM_DEMO_PASSWORD", "")

# The product uses none of these; a page that is tricked into asking is refused by the browser.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "usb", "xr-spatial-tracking",
    )
}  # fmt: skip

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
FORM_RENDERER = "kit.pages.forms.CrmFormRenderer"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "keys": {"()": "kit.pages.public_pages.HideKeys", "paths": KEY_PATHS}
    },  # links that open without an account
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["keys"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "crm": {"level": "INFO"},
        "kit": {"level": "INFO"},
        "axes": {"level": "ERROR"},
        "django.request": {"level": "ERROR", "filters": ["keys"]},
        "django.security.csrf": {"filters": ["keys"]},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
