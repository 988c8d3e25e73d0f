"""The stored files: read for a backup, laid beside the present ones, and put in their place.

A restore works inside the folder itself, which may be a volume of its own: .restore-STAMP holds the files that come,
.former-STAMP those that were there. Each step is a rename; finish() goes on wherever it was stopped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from crm.file_permissions import FILE, FOLDER, make_folder

from .failure import BackupFailed
from .manifest import FILES, RESERVED, is_plain

COMING, ARRIVING, FORMER = RESERVED


def root() -> Path:
    return Path(settings.MEDIA_ROOT)


def stored() -> Iterator[tuple[str, Path]]:
    """Names as members of an archive and where they lie, without what restores keep beside."""
    seen: set[tuple[int, int]] = set()
    for folder, inside, names in os.walk(root(), followlinks=True):
        here = os.stat(folder)
        if (here.st_dev, here.st_ino) in seen:  # a link back to where we were
            inside.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
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


def beside(kind: str, stamp: str) -> Path:
    return root() / f"{kind}{stamp}"


def create(path: Path) -> BinaryIO:
    """A new file that only its owner reads, in folders of the same kind."""
    make_folder(path.parent)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "wb")


def swap(stamp: str) -> None:
    """Puts the coming files in the place of the present ones, which stay under their new name."""
    coming, arriving = beside(COMING, stamp), beside(ARRIVING, stamp)
    if coming.exists():
        former = beside(FORMER, stamp)
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
    """What was renamed in a folder stays renamed when the machine loses power."""
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
