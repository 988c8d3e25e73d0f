"""A checkout of the product, run by its own interpreter on a database of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from company import NotReady
from pages import Page

PROBE = Path(__file__).resolve().parent / "probe.py"
NO_PARTS = "{folder} 还没有装好（缺少 static/vendor）。请先在那里运行 make setup。"
NO_CHECKOUT = "{folder} 不是本产品的检出目录（没有 manage.py 和 tests/benchmarks）。"
ENDED = "{folder} 的测量进程意外结束，请看上面的错误信息。"


@dataclass(frozen=True)
class Checkout:
    folder: Path
    url: str  # of its database

    @property
    def python(self) -> str:
        own = self.folder / ".venv" / "bin" / "python"
        return str(own) if own.exists() else sys.executable

    @property
    def environment(self) -> dict[str, str]:
        var = self.folder / "var" / "bench"
        var.mkdir(parents=True, exist_ok=True)
        own = {"DATABASE_URL": self.url, "CRM_VAR_DIR": str(var), "CRM_ENV": "development", "CRM_DEBUG": "0"}
        fixed = {"DJANGO_SETTINGS_MODULE": "crm.settings", "CRM_HTTPS": "0", "PYTHONHASHSEED": "0"}
        return {**os.environ, **own, **fixed}

    def must_be_ready(self) -> None:
        """Raise NotReady with what to do."""
        if not all((self.folder / name).exists() for name in ("manage.py", "tests/benchmarks/company.py")):
            raise NotReady(NO_CHECKOUT.format(folder=self.folder))
        if not (self.folder / "static" / "vendor").is_dir():
            raise NotReady(NO_PARTS.format(folder=self.folder))

    def manage(self, *arguments: str) -> str:
        return self._run("manage.py", *arguments)

    def fill(self, wanted: dict[str, Any]) -> None:
        self._run(str(PROBE), "fill", json.dumps(wanted))

    def _run(self, *arguments: str) -> str:
        command = [self.python, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    @contextlib.contextmanager
    def probe(self) -> Iterator[Probe]:
        """Run the checkout's probe while the block runs."""
        process = subprocess.Popen(
            [self.python, str(PROBE), "serve"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Probe(process, self.folder)
        finally:
            process.terminate()
            process.communicate()


@dataclass(frozen=True)
class Probe:
    process: subprocess.Popen[str]
    folder: Path

    def ask(self, do: str, visits: list[dict[str, Any]]) -> dict[str, Any]:
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(json.dumps({"do": do, "visits": visits}) + "\n")
            asked.flush()
            return json.loads(answers.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise RuntimeError(ENDED.format(folder=self.folder)) from error


def visits(page: Page, number: int) -> list[dict[str, Any]]:
    """Return so many visits of a page; the same ones may be sent to several checkouts."""
    same = {"path": page.path, "person": page.person, "headers": page.headers}
    return [{**same, "fields": page.fields()} for _ in range(number)]
