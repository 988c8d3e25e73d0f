"""make run: set up, migrate, load the demo company into an empty database, serve web, worker and schedule.

Runs on old Pythons far enough to say what is missing, so it keeps to plain syntax.
"""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from setup import PYTHON, ROOT, SetupError, fingerprint, is_stamped, set_up, write_stamp
from supervise import Supervisor

OWN_SETTINGS = ("PORT", "CRM_DEBUG", "CRM_DEMO", "CRM_ENV", "CRM_VAR_DIR", "CRM_WEB_WORKERS")  # in .env, too
ANSWER_SECONDS = 60
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, kill, a closed terminal

TRIAL_ONLY = (
    "make run 用于试用，CRM_ENV=production 时不运行。正式部署见 docs/admin.zh.md 的「正式部署」一节："
    "先运行 manage.py migrate，再启动 gunicorn、db_worker 和 run_due。"
)
DATABASE_DOWN = (
    "连不上数据库。请检查 DATABASE_URL（例如 postgres://用户:密码@主机/库名）和数据库是否已启动；"
    "去掉 DATABASE_URL 就会使用 var/ 里的 SQLite。\n{}"
)
VAR_CLOSED = "打不开 var/ 里的数据。请检查当前用户能否写入这个文件夹（CRM_VAR_DIR 可以改到别处）和磁盘空间。\n{}"


def own_settings(text: str) -> dict:
    """Those lines of a .env file that this script itself goes by; the application reads the file on its own."""
    found = re.findall(r"^(?:export )?(\w+)=[\"']?(.*?)[\"']?\s*$", text, re.M)
    return {name: value for name, value in found if name in OWN_SETTINGS}


def read_own_settings() -> None:
    """The environment wins over the file, as in crm/settings.py."""
    path = os.path.join(ROOT, ".env")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            for name, value in own_settings(stream.read()).items():
                os.environ.setdefault(name, value)


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def chosen_port(text: str) -> int:
    """The port from PORT; raises SetupError when it is none or taken."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise SetupError(f"PORT={text} 不是端口号，请用 1–65535 之间的数字，例如 PORT=8080 make run。")
    if not port_is_free(int(text)):
        other = other_port(int(text))
        raise SetupError(f"端口 {text} 已被占用或不允许使用。换一个再运行，例如：PORT={other} make run。")
    return int(text)


def other_port(port: int) -> int:
    """A free port near the one that cannot be used."""
    nearby = range(max(port + 1, 1024), min(port + 50, 65535))
    return next((number for number in nearby if port_is_free(number)), 8080)


def manage(*arguments: str) -> str:
    """Runs a management command; its failure becomes a sentence."""
    done = subprocess.run([PYTHON, "manage.py", *arguments], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SetupError(explain(done.stderr))
    return done.stdout


def explain(output: str) -> str:
    """What a failed command said, in words that help."""
    lines = [line for line in output.splitlines() if line.strip() and not line[0].isspace()]
    last = lines[-1] if lines else "没有说明原因"
    told = re.fullmatch(r"(?:CommandError|[\w.]*ImproperlyConfigured): (.*)", last)
    if told:
        return told.group(1)
    if re.search(r"PermissionError|unable to open database file|readonly database|disk is full|Errno 28", output):
        return VAR_CLOSED.format(last)
    if re.search(r"OperationalError|could not connect|connection (refused|failed)", output, re.I):
        return DATABASE_DOWN.format(last)
    return f"准备数据库时出错：{last}"


def collect_static(var: str) -> None:
    """Static files into var/, unless nothing changed since the last time."""
    parts = [fingerprint("requirements.txt"), os.environ.get("CRM_DEBUG", "")]
    for folder, _, names in sorted(os.walk("static")):
        for path in (os.path.join(folder, name) for name in sorted(names)):
            state = os.stat(path)
            parts.append(f"{path} {state.st_size} {state.st_mtime_ns}")
    value = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    stamp = os.path.join(var, "static.collected")
    if os.path.isdir(os.path.join(var, "static")) and is_stamped(stamp, value):
        return
    manage("collectstatic", "--noinput", "--verbosity", "0")
    write_stamp(stamp, value)


def prepare(address: str) -> str:
    """Migrations, static files, demo company; returns what to tell the person."""
    print("准备数据库和静态文件 …", flush=True)
    var = os.environ.get("CRM_VAR_DIR") or "var"
    try:
        os.makedirs(var, mode=0o711, exist_ok=True)
        os.umask(0o077)  # what is stored from here on is for this account only
        manage("migrate", "--verbosity", "0")
        collect_static(var)
    except OSError as error:
        raise SetupError(VAR_CLOSED.format(error)) from error
    if os.environ.get("CRM_DEMO", "").lower() in ("0", "false", "no", "off"):
        return manage("setup_link", "--address", address)
    return manage("load_demo", "--if-empty")


def wait_until_it_answers(address: str, process: subprocess.Popen) -> None:
    deadline = time.time() + ANSWER_SECONDS
    while time.time() < deadline:
        if process.poll() is not None:
            raise SetupError("服务没有启动成功，原因见上面的输出。")
        try:
            urllib.request.urlopen(address + "/healthz", timeout=1)
            return
        except OSError:
            time.sleep(0.25)
    raise SetupError(f"服务在 {ANSWER_SECONDS} 秒内没有应答，原因见上面的输出。")


def serve(port: int, address: str, words: str) -> None:
    """Web, worker and schedule until Ctrl-C; what ends is started again."""
    environment = {**os.environ, "PORT": str(port), "CRM_BIND": f"127.0.0.1:{port}", "PYTHONUNBUFFERED": "1"}
    supervisor = Supervisor("Procfile", environment)
    try:
        wait_until_it_answers(address, supervisor.process("web"))
        print(f"\n{words.strip()}\n✓ 已启动：{address}　（Ctrl-C 停止）\n", flush=True)
        supervisor.run()
    finally:
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()


def main() -> None:
    for number in STOPS:
        signal.signal(number, signal.default_int_handler)
    try:
        read_own_settings()
        if os.environ.get("CRM_ENV") == "production":
            raise SetupError(TRIAL_ONLY)
        port = chosen_port(os.environ.get("PORT") or "8000")
        address = f"http://127.0.0.1:{port}"
        set_up()
        serve(port, address, prepare(address))
    except SetupError as error:
        sys.exit(f"✗ {error}")
    except KeyboardInterrupt:
        print("\n已停止。")


if __name__ == "__main__":
    main()
