"""Keeps the processes of the Procfile running: one that ends is started again, each time after a longer pause.

Runs on old Pythons far enough to say what is missing, so it keeps to plain syntax.
"""

import os
import subprocess
import sys
import time

PAUSES = (1, 2, 5, 10, 30)  # seconds before the next start; the last one stays
STEADY_SECONDS = 60  # whoever ran so long had no trouble of its own
STOP_SECONDS = 15  # then a process that does not end is killed


def commands(text: str) -> dict:
    """{name: command line} of a Procfile."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith("#"))
    return {name.strip(): command.strip() for name, command in pairs}


class Kept:
    """One process that is kept running."""

    def __init__(self, name: str, command: str, environment: dict) -> None:
        self.name, self.command, self.environment = name, command, environment
        self.falls = 0
        self.start_at = 0.0  # when it is started again
        self.start()

    def start(self) -> None:
        # Its own session: only the supervisor hears Ctrl-C and a closing terminal, and then stops all in order.
        self.process = subprocess.Popen(self.command.split(), env=self.environment, start_new_session=True)
        self.started_at, self.start_at = time.monotonic(), 0.0

    def tick(self) -> None:
        """Start it again when it has ended and its pause is over."""
        now = time.monotonic()
        if self.start_at:
            if now >= self.start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.falls = 1 if now - self.started_at > STEADY_SECONDS else self.falls + 1
        pause = PAUSES[min(self.falls, len(PAUSES)) - 1]
        print(f"{self.name} 结束了（代码 {code}），{pause} 秒后重新启动。", file=sys.stderr, flush=True)
        self.start_at = now + pause

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()


class Supervisor:
    def __init__(self, procfile: str, environment: dict) -> None:
        with open(procfile, encoding="utf-8") as stream:
            self.kept = [Kept(name, line, environment) for name, line in commands(stream.read()).items()]

    def process(self, name: str) -> subprocess.Popen:
        return next(one.process for one in self.kept if one.name == name)

    def run(self) -> None:
        """Keep all running until a signal ends it."""
        while True:
            time.sleep(0.5)
            for one in self.kept:
                one.tick()

    def stop(self) -> None:
        """End all in order; what does not listen is killed."""
        for one in self.kept:
            one.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for one in self.kept:
            try:
                one.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()


def main() -> None:
    """python bin/supervise.py: web, worker and schedule, for containers and machines without systemd."""
    import signal

    supervisor = Supervisor("Procfile", dict(os.environ))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        supervisor.run()
    except KeyboardInterrupt:
        supervisor.stop()


if __name__ == "__main__":
    main()
