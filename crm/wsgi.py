"""WSGI entry point for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
os.environ.setdefault("CRM_PROCESS", "web")  # pages wait for the database for a shorter time than commands do
django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402

from crm.errors import in_trouble  # noqa: E402
from crm.outages import Outage  # noqa: E402
from crm.request_limits import LimitedRequests  # noqa: E402

application = LimitedRequests(
    django_application,
    threads=settings.CRM_WEB_THREADS,
    seconds=settings.CRM_REQUEST_SECONDS,
    busy_page=lambda: in_trouble(None, Outage.BUSY).content,
)

# What is loaded by now stays. A page makes tens of thousands of objects that mostly go by themselves: looking through
# the young ones for circles every 700 objects, as Python does of itself, takes a tenth of its time.
gc.freeze()
gc.set_threshold(5_000, 20, 20)
