"""The yardstick: the plainest useful list page, served beside the product and measured in the same run.

/list looks up session and user with Django's own auth, asks one query for the newest 50 of 100,000 rows and
renders 50 × 10 cells without layout. A product page can hardly be cheaper. Everything lives in a database
schema of its own, so that it may share the product's database.
"""

from __future__ import annotations

import os
import sys

import django
import environ
from django.conf import settings

SCHEMA = "bench_plain"
ROWS = 100_000

if not settings.configured:
    database = environ.Env().db("DATABASE_URL")
    database["CONN_MAX_AGE"] = 300
    database["OPTIONS"] = {**database.get("OPTIONS", {}), "options": f"-c search_path={SCHEMA}"}
    settings.configure(
        SECRET_KEY=os.environ["BENCH_SECRET_KEY"],
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        DATABASES={"default": database},
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()

from django.contrib.auth import login  # noqa: E402  (Django is configured above)
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402

PAGE = engines["django"].from_string(
    "<!doctype html><html><body><table>"
    '{% for row in rows %}<tr class="row">'
    '{% for cell in row %}<td class="cell nowrap">{{ cell }}</td>{% endfor %}'
    "</tr>{% endfor %}</table></body></html>"
)
NEWEST = (
    "SELECT id, name, phone, city, level, owner_id, created_at, amount, next_at, tag"
    " FROM customer ORDER BY id DESC LIMIT 50"
)
TABLE = """
CREATE TABLE customer (
  id bigserial PRIMARY KEY, name text NOT NULL, phone text, city text, level smallint, owner_id int,
  created_at timestamptz, amount numeric(14, 2), next_at date, tag text
);
INSERT INTO customer (name, phone, city, level, owner_id, created_at, amount, next_at, tag)
SELECT
  (ARRAY['杭州', '上海', '深圳', '广州', '苏州'])[1 + i % 5] || '华盛科技有限公司' || i,
  '1' || lpad((i * 7919 % 10000000000)::text, 10, '0'),
  (ARRAY['杭州', '上海', '深圳', '广州', '苏州'])[1 + i % 5],
  i % 5, i % 50, now() - i * interval '10 min', (i % 1000) * 1000.5, current_date + (i % 90)::int, '标签' || i % 20
FROM generate_series(1::bigint, %s) AS i;
"""


def list_page(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    with connection.cursor() as cursor:
        cursor.execute(NEWEST)
        rows = cursor.fetchall()
    return HttpResponse(PAGE.render({"rows": rows}))


def sign_in(request: HttpRequest) -> HttpResponse:
    user, _ = User.objects.get_or_create(username="bench")
    login(request, user)
    return HttpResponse("ok")


def fill() -> None:
    """Create the yardstick's schema and rows unless they exist."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    call_command("migrate", verbosity=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.customer"])
        if cursor.fetchone()[0] is None:
            cursor.execute(TABLE.replace("%s", str(ROWS)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customer")


urlpatterns = [path("list", list_page), path("sign-in", sign_in)]
application = get_wsgi_application()

if __name__ == "__main__" and sys.argv[1:] == ["fill"]:
    fill()
