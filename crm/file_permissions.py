"""What the product stores is for the account it runs under and nobody else on the machine (decision 44)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

UMASK = 0o077
FILE, FOLDER = 0o600, 0o700
WAY_THROUGH = 0o711  # of var/: a front server may go through to var/static, and see nothing else
SQLITE_PARTS = ("", "-wal", "-shm", "-journal")


def make_folder(path: Path) -> None:
    """Make the folder, and those above it that are missing, closed to others; one that exists stays as it is."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER, exist_ok=True)


def tighten(var: Path, *, public: Path, database: Path | None = None) -> tuple[int, list[Path]]:
    """Close what others may read below var, but for the public folder; return how many, and what would not be closed.

    var itself keeps its way through for a front server that reads the public folder. What lies in a folder that is
    closed already is not looked at again: nobody gets there.
    """
    count, refused = 0, []
    beside = [Path(f"{database}{part}") for part in SQLITE_PARTS] if database else []
    for path, allowed in [*_below(var, public), *((path, FILE) for path in beside), (var, WAY_THROUGH)]:
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
            if mode & ~allowed & UMASK and not path.is_symlink():
                path.chmod(mode & (allowed | ~UMASK))
                count += 1
        except FileNotFoundError:  # gone meanwhile
            continue
        except OSError:
            refused.append(path)
    return count, refused


def _below(folder: Path, public: Path) -> Iterator[tuple[Path, int]]:
    """Yield files and folders with what they may allow; the inside first, so that what stopped half-way is repeated."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink() or path == public:
            continue
        if entry.is_dir():
            if entry.stat().st_mode & UMASK:
                yield from _below(path, public)
            yield path, FOLDER
        else:
            yield path, FILE


def give_to_owner_of(like: Path, path: Path) -> None:
    """Give path and what is below to the owner of like: what root makes for a service is the service's."""
    owner = like.stat()
    if os.geteuid() or not owner.st_uid:
        return
    for folder, _, names in os.walk(path):
        for name in names:
            os.chown(Path(folder, name), owner.st_uid, owner.st_gid)
        os.chown(folder, owner.st_uid, owner.st_gid)
    if path.is_file():
        os.chown(path, owner.st_uid, owner.st_gid)
