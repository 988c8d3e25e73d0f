"""WSGI entry point for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
application = get_wsgi_application()

# What is loaded by now stays. A page makes tens of thousands of objects that mostly go by themselves: looking through
# the young ones for circles every 700 objects, as Python does of itself, takes a tenth of its time.
gc.freeze()
gc.set_threshold(5_000, 20, 20)
