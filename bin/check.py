"""make check: everything that can be said about the code without running it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

TOOLS = Path(sys.executable).parent
PRODUCTION = {
    "CRM_ENV": "production",
    "CRM_ALLOWED_HOSTS": "crm.example",
    "SECRET_KEY": secrets.token_urlsafe(64),
}
# Nobody's .env decides what is checked; models need no server.
DEVELOPMENT = {"CRM_ENV": "development", "DATABASE_URL": "sqlite:///:memory:"}


def commands() -> list[tuple[str, list[str], dict[str, str]]]:
    manage = [sys.executable, "manage.py"]
    return [
        ("ruff", [str(TOOLS / "ruff"), "check", "."], {}),
        ("ruff format", [str(TOOLS / "ruff"), "format", "--check", "."], {}),
        ("mypy", [str(TOOLS / "mypy")], {}),
        ("djlint", [str(TOOLS / "djlint"), "templates", "--lint", "--quiet"], {}),
        ("import-linter", [str(TOOLS / "lint-imports")], {}),
        ("makemigrations", [*manage, "makemigrations", "--check", "--dry-run"], DEVELOPMENT),
        ("check --deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    ]


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command, extra in commands():
            done = subprocess.run(
                command,
                env={**os.environ, "CRM_VAR_DIR": folder, **extra},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            print(f"{'✓' if done.returncode == 0 else '✗'} {name}", flush=True)
            if done.returncode:
                failed.append(name)
                print(done.stdout)
    if failed:
        print(f"没有通过：{'、'.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
