"""SQL of every migration, as digests: what has landed is never edited, but for the paths of its imports.

After adding migrations: DATABASE_URL=… python tests/upgrade/landed.py, once with each database.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from io import StringIO
from pathlib import Path

RANDOM = re.compile(r"'(?:[0-9a-f]{32}|\d{4}-\d\d-\d\d[^']*)'")  # a fresh salt or a day, as a default of old rows
LANDED = Path(__file__).with_name("landed_migrations.json")


def digests() -> dict[str, str]:
    """Return {"app.migration": SHA-256 of its SQL} on the present database's vendor, for the product's own apps."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    found = {}
    loader = MigrationLoader(connection)
    for app, name in sorted(loader.disk_migrations):
        module = loader.disk_migrations[app, name].__module__.replace(".", "/")
        if not (settings.BASE_DIR / f"{module}.py").exists():
            continue  # a library's
        out = StringIO()
        call_command("sqlmigrate", app, name, stdout=out, no_color=True)
        found[f"{app}.{name}"] = hashlib.sha256(RANDOM.sub("''", out.getvalue()).encode()).hexdigest()
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django
    from django.db import connection

    django.setup()
    landed = json.loads(LANDED.read_text()) if LANDED.exists() else {}
    landed[connection.vendor] = digests()
    LANDED.write_text(json.dumps(landed, indent=1, sort_keys=True) + "\n")
