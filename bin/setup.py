"""Set up everything a fresh clone needs: virtual environment, pinned packages, front-end parts.

Runs on old Pythons far enough to say what is missing, so it keeps to plain syntax.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPT = os.path.abspath(sys.argv[0])
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
MINIMUM = (3, 11)
UV_PYTHON = ">=3.11,<3.14"  # what uv may pick or download
USABLE = "import sys, pip; sys.exit(sys.version_info < (3, 11))"

TOO_OLD = "需要 Python 3.11 或更高版本，现在是 {}。请安装新的 Python 或 uv 后再运行，或用 make run PY=python3.12 指定。"
NO_VENV = (
    "无法建立虚拟环境：{}\n在 Debian/Ubuntu 上请先运行 apt-get install python3-venv；"
    "用 uv 时请检查网络（它要下载 Python）。然后重试。"
)
NO_PACKAGES = (
    "{} 中的依赖没有装上，原因见上。第一次运行要从网上下载：请检查网络，"
    "内网请先设置 PIP_INDEX_URL（自己的 PyPI 镜像），然后重试。"
)


class SetupError(Exception):
    """What is missing, with what to do about it, in Chinese."""


def python_problem(version: tuple, has_uv: bool) -> str:
    """The sentence to print when this Python cannot carry the project, else an empty string."""
    if tuple(version[:2]) >= MINIMUM or has_uv:
        return ""
    return TOO_OLD.format(".".join(str(part) for part in version[:3]))


def venv_is_usable() -> bool:
    """A .venv with packages from us, or one that at least has pip and a new enough Python."""
    if not os.path.exists(PYTHON):
        return False
    if any(name.endswith(".installed") for name in os.listdir(VENV)):
        return True
    return subprocess.run([PYTHON, "-c", USABLE], stderr=subprocess.DEVNULL).returncode == 0


def ensure_venv() -> None:
    """Creates .venv with this Python, or with uv when this one is too old or lacks venv."""
    if venv_is_usable():
        return
    uv = shutil.which("uv")
    problem = python_problem(sys.version_info, bool(uv))
    if problem:
        raise SetupError(problem)
    print("建立虚拟环境 .venv …", flush=True)
    tries = [[sys.executable, "-m", "venv", VENV]] if sys.version_info[:2] >= MINIMUM else []
    if uv:
        tries.append([uv, "venv", "--quiet", "--seed", "--python", UV_PYTHON, VENV])
    for command in tries:
        shutil.rmtree(VENV, ignore_errors=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode == 0:
            return
    shutil.rmtree(VENV, ignore_errors=True)
    raise SetupError(NO_VENV.format(done.stdout.decode(errors="replace").strip()))


def fingerprint(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def is_stamped(stamp: str, value: str) -> bool:
    """True when the stamp file holds exactly this value, so that the work need not be done again."""
    if not os.path.exists(stamp):
        return False
    with open(stamp) as stream:
        return stream.read() == value


def write_stamp(stamp: str, value: str) -> None:
    with open(stamp, "w") as stream:
        stream.write(value)


def ensure_packages(lock: str) -> None:
    """Installs a hash-pinned lock file unless exactly this one was installed last: a second start needs no network."""
    path, stamp = os.path.join(ROOT, lock), os.path.join(VENV, lock + ".installed")
    value = fingerprint(path)
    if is_stamped(stamp, value):
        return
    print(f"安装 {lock} 中锁定版本的依赖 …", flush=True)
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, "--require-hashes", "-r", path]).returncode:
        raise SetupError(NO_PACKAGES.format(lock))
    write_stamp(stamp, value)


def ensure_frontend() -> None:
    """htmx, icons and charts from npm: node from PATH, else from PyPI."""
    import frontend  # beside this file; read late, since old Pythons cannot

    if not frontend.is_installed() and not (shutil.which("npm") and shutil.which("node")):
        ensure_packages("requirements-node.txt")
    if subprocess.run([PYTHON, os.path.join(ROOT, "bin", "frontend.py")]).returncode:
        raise SetupError("前端部件没有装好，原因见上。")


def set_up(dev: bool = False) -> None:
    os.chdir(ROOT)
    ensure_venv()
    if sys.version_info[:2] < MINIMUM:  # uv brought a newer Python: go on with that
        os.execv(PYTHON, [PYTHON, SCRIPT, *sys.argv[1:]])
    ensure_packages("requirements-dev.txt" if dev else "requirements.txt")
    ensure_frontend()


def main() -> None:
    try:
        set_up(dev="--dev" in sys.argv)
    except SetupError as error:
        sys.exit(f"✗ {error}")
    except KeyboardInterrupt:
        sys.exit("\n已中断。再运行一次会从这里接着做。")


if __name__ == "__main__":
    main()
