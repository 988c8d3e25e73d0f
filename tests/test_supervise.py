"""What keeps web, worker and schedule running."""

from __future__ import annotations

import os
import sys
import time

import pytest

from tests.scripts import supervise


@pytest.fixture
def supervisor(tmp_path, monkeypatch):
    monkeypatch.setattr(supervise, "PAUSES", (0.1, 0.2))
    (tmp_path / "script.py").write_text("import sys, time; time.sleep(float(sys.argv[1])); sys.exit(3)")
    procfile = tmp_path / "Procfile"
    script = f"{sys.executable} {tmp_path}/script.py"
    procfile.write_text(f"# kept running\nquick: {script} 0\nsteady: {script} 60\n")
    found = supervise.Supervisor(str(procfile), dict(os.environ))
    yield found
    found.stop()


def tick_until(supervisor, holds) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for one in supervisor.kept:
            one.tick()
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_what_ends_is_started_again_and_the_others_stay(supervisor, capfd):
    quick, steady = supervisor.kept
    first, other = quick.process.pid, steady.process.pid
    assert tick_until(supervisor, lambda: quick.process.pid != first)
    assert steady.process.pid == other
    assert "quick 结束了（代码 3）" in capfd.readouterr().err


def test_each_pause_is_longer_than_the_one_before(supervisor):
    quick, _ = supervisor.kept
    assert tick_until(supervisor, lambda: quick.falls == 2)
    assert quick.start_at - time.monotonic() > 0.1


def test_stopping_ends_all_of_them(supervisor):
    supervisor.stop()
    assert all(one.process.poll() is not None for one in supervisor.kept)
