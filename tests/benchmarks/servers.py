"""Two gunicorns on free loopback ports, product and plain page alike: 2 sync workers each."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from visits import HOST, Visitor

WORKERS = 2
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def gunicorn(application: str, folder: Path, ready: str, environment: Mapping[str, str]) -> Iterator[int]:
    """Serve a WSGI application while the block runs; yield its port once `ready` answers."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", application, "--chdir", str(folder)]
    command += ["--worker-class", "sync", "--workers", str(WORKERS), "--bind", f"{HOST}:{port}"]
    process = subprocess.Popen([*command, "--log-level", "warning"], env=dict(environment), cwd=folder)
    try:
        _wait_for(port, ready, process)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(port: int, path: str, process: subprocess.Popen) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(OSError):
            if Visitor(port).get(path).status < 500:
                return
        time.sleep(0.2)
    raise RuntimeError(f"服务没有在 {START_SECONDS} 秒内启动，请看上面的错误信息。")
