"""Uploaded files: read for a backup, restored beside the present ones, and swapped in.

A restore works inside the folder itself, which may be a volume of its own: .restore-STAMP holds the restored files,
.former-STAMP the former ones. Each step is a rename; a stopped swap can be continued.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from crm.file_permissions import FILE, FOLDER, make_folder

from .errors import BackupFailed
from .manifest import FILES, RESERVED, is_plain

COMING, ARRIVING, FORMER = RESERVED


def root() -> Path:
    return Path(settings.MEDIA_ROOT)


def stored_files() -> Iterator[tuple[str, Path]]:
    """Yield (name in the archive, path), without the folders of restores."""
    visited: set[tuple[int, int]] = set()
    for folder, inside, names in os.walk(root(), followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in visited:  # a link back to a folder above
            inside.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        if Path(folder) == root():
            inside[:] = [name for name in inside if not name.startswith(RESERVED)]
        inside.sort()
        for path in (Path(folder, name) for name in sorted(names)):
            name = f"{FILES}{path.relative_to(root())}"
            if not path.is_file():
                continue
            if not is_plain(name):
                raise BackupFailed(f"附件目录里的这个文件名不能备份，请改名：{name.removeprefix(FILES)[:100]!r}。")
            yield name, path


def folder_beside(kind: str, stamp: str) -> Path:
    return root() / f"{kind}{stamp}"


def create_private(path: Path) -> BinaryIO:
    """Create a file that only its owner reads, in folders of the same kind."""
    make_folder(path.parent)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "wb")


def swap(stamp: str) -> None:
    """Put the restored files in the place of the present ones, which stay under their new name."""
    coming, arriving = folder_beside(COMING, stamp), folder_beside(ARRIVING, stamp)
    if coming.exists():
        former = folder_beside(FORMER, stamp)
        former.mkdir(mode=FOLDER, exist_ok=True)
        _move(root(), former)
        coming.rename(arriving)
    if arriving.exists():
        _move(arriving, root())
        arriving.rmdir()
    sync(root())


def _move(source: Path, target: Path) -> None:
    for path in sorted(source.iterdir()):
        if source != root() or not path.name.startswith(RESERVED):
            path.rename(target / path.name)
    sync(target)


def sync(folder: Path) -> None:
    """Flush renames in a folder to disk, so that they survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    for here, _, names in os.walk(folder):
        for path in [here, *(os.path.join(here, name) for name in names)]:
            sync(Path(path))


def remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
