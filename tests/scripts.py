"""The scripts of bin/ as modules, and the server's settings; bin/ itself stays off sys.path."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def load(path: str, name: str) -> ModuleType:
    """Return a script as a module of that name; names in bin/ would hide others."""
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup = load("bin/setup.py", "setup")
supervise = load("bin/supervise.py", "supervise")
run = load("bin/run.py", "run")
testing = load("bin/test.py", "bin_test")
server = load("gunicorn.conf.py", "gunicorn_conf")
os.environ.pop("CRM_PROCESS")  # it says that it serves pages; what the tests start does not
