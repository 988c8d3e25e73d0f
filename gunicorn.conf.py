"""gunicorn's settings; PORT, CRM_BIND, CRM_WEB_WORKERS and CRM_WEB_THREADS change them."""

import os

os.environ.setdefault("CRM_PROCESS", "web")  # before the settings are read: pages wait for a shorter time than commands
from gunicorn.glogging import Logger

from crm.public_paths import KEY_PATHS
from kit.pages.public_pages import HideKeys

bind = os.environ.get("CRM_BIND") or f"127.0.0.1:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("CRM_WEB_WORKERS", "2"))
threads = int(os.environ.get("CRM_WEB_THREADS", "8"))  # a save that waits for another does not stop everybody
timeout = 60
limit_request_line = 8190
max_requests = 5000
max_requests_jitter = 500
control_socket_disable = True  # a service account may have no home to keep it in


class QuietLogger(Logger):
    """Neither log holds an address that is a key."""

    def setup(self, cfg):
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.addFilter(HideKeys(KEY_PATHS))


logger_class = QuietLogger


def on_starting(server):
    """What others could read is closed; a production server never runs on a database of another version."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        close_to_others(settings)
        if not settings.PRODUCTION:
            return
    except ImproperlyConfigured as error:
        raise SystemExit(f"✗ {error}") from None
    django.setup()
    refuse_pending_migrations()


def close_to_others(settings):
    """Files of before, or made by other programs: closed now, or named (decision 44)."""
    from pathlib import Path

    from crm.file_permissions import tighten

    own = settings.DATABASES["default"]
    database = Path(own["NAME"]) if own["ENGINE"].endswith("sqlite3") else None
    done, refused = tighten(settings.VAR_DIR, public=Path(settings.STATIC_ROOT), database=database)
    if done:
        print(f"已收紧 {done} 个文件和文件夹的权限：{settings.VAR_DIR} 里的数据只有当前用户能读。", flush=True)  # noqa: T201
    for path in refused[:5]:
        print(f"✗ 其他用户能读 {path}，而当前用户不能收紧它的权限。请用 chmod go-rwx 收紧。", flush=True)  # noqa: T201


def refuse_pending_migrations():
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise SystemExit(f"✗ 连不上数据库，请检查 DATABASE_URL 和数据库是否已启动：{error}") from None
    finally:
        connection.close()
    if pending:
        raise SystemExit(f"✗ 有 {len(pending)} 个数据库迁移没有执行。请先运行 manage.py migrate，再启动。")
