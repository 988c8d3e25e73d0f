"""What a restore leaves beside: half-made copies, the former state, a swap that was stopped; each by a stamp."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection

from . import files
from .failure import BackupFailed
from .making import database

STAMP = r"[0-9]{14}b?"  # of a restore; taking its former state back puts a b there or takes it away
UNFINISHED = (
    "上次恢复（{}）停在半路：数据库已经换好，附件还没有换完；原来的都还在。"
    "请运行 manage.py restore --continue 做完它；想要原来的，再运行 manage.py restore --back。"
)
BACK_UNFINISHED = "上次换回（{}）停在半路，数据库还没有换。请再运行一次 manage.py restore --back。"
KEPT = "恢复（{}）以前的数据库（{}）和附件（{}）还留着：manage.py restore --back 换回它们，--forget 删除它们。"
LEFT_OVER = "恢复（{}）没有换上就停了，什么都没有改动，留下了半成品：manage.py restore --forget 删除它们。"
NOTHING = "没有未完成的恢复，也没有留下的旧数据。"


@dataclass(frozen=True)
class Kept:
    """What lies beside under one stamp."""

    stamp: str
    has_coming: bool  # a database that was not swapped in
    has_former: bool
    pending_files: bool
    is_back_unfinished: bool

    @property
    def is_swapped(self) -> bool:
        return self.has_former and not self.has_coming

    @property
    def is_unfinished(self) -> bool:
        return self.is_swapped and self.pending_files

    @property
    def words(self) -> str:
        if self.is_unfinished:
            return UNFINISHED.format(self.stamp)
        if self.is_back_unfinished:
            return BACK_UNFINISHED.format(self.stamp)
        if self.is_swapped:
            former = database().former(self.stamp), files.beside(files.FORMER, self.stamp)
            return KEPT.format(self.stamp, *former)
        return LEFT_OVER.format(self.stamp)


def everything() -> list[Kept]:
    """What lies beside, oldest first."""
    names = set(database().kept())
    folders = {path.name for path in files.root().iterdir()} if files.root().exists() else set()
    stamps = {found[0] for name in names | folders if (found := re.findall(rf"[-_]({STAMP})(?:-wal|-shm)?$", name))}
    return [kept for stamp in sorted(stamps) if (kept := _kept(stamp, names, folders))]


def _kept(stamp: str, names: set[str], folders: set[str]) -> Kept | None:
    coming, former = database().beside(stamp) in names, database().former(stamp) in names
    pending = {f"{files.COMING}{stamp}", f"{files.ARRIVING}{stamp}"} & folders
    if not (coming or former or pending or f"{files.FORMER}{stamp}" in folders):
        return None
    is_back_unfinished = bool(pending) and not (coming or former) and database().former(_other(stamp)) in names
    return Kept(stamp, coming, former, bool(pending), is_back_unfinished)


def _other(stamp: str) -> str:
    return stamp[:-1] if stamp.endswith("b") else f"{stamp}b"


def refuse_unfinished() -> None:
    for kept in everything():
        if kept.is_unfinished or kept.is_back_unfinished:
            raise BackupFailed(kept.words)


def swap_files(stamp: str) -> None:
    """The last step; raises BackupFailed with what to do when it stops half-way."""
    try:
        files.swap(stamp)
    except OSError as error:
        raise BackupFailed(f"{UNFINISHED.format(stamp)}（{error}）") from error


def finish() -> int:
    """Goes on with what was stopped between the database and the files; gives how many it finished."""
    stopped = [kept for kept in everything() if kept.is_unfinished]
    for kept in stopped:
        swap_files(kept.stamp)
    return len(stopped)


def forget() -> list[str]:
    """Removes half-made copies and former states; gives their stamps."""
    refuse_unfinished()
    found = everything()
    for kept in found:
        drop(kept.stamp)
    return [kept.stamp for kept in found]


def drop(stamp: str) -> None:
    for name in (database().beside(stamp), database().former(stamp)):
        database().drop(name)
    for path in map(partial(files.beside, stamp=stamp), (files.COMING, files.ARRIVING, files.FORMER)):
        files.remove(path)
    files.remove(scratch(stamp))


def scratch(stamp: str) -> Path:
    """Where a dump lies for a while: beside SQLite's file, which it becomes, or in var/."""
    folder = Path(database().own()).parent if connection.vendor == "sqlite" else Path(settings.VAR_DIR)
    return folder / f"restore-{stamp}"


def take_back() -> str:
    """Puts the newest former state back, the present one stays under its name; gives its stamp."""
    for kept in everything():
        if kept.is_unfinished:
            raise BackupFailed(kept.words)
    former = [kept for kept in everything() if kept.is_swapped]
    if not former:
        raise BackupFailed("没有留下可以换回的旧数据。")
    stamp, new = former[-1].stamp, _other(former[-1].stamp)
    database().refuse_unfit()
    was = files.beside(files.FORMER, stamp)
    if was.exists():
        was.rename(files.beside(files.COMING, new))
    database().swap(database().former(stamp), database().former(new))
    swap_files(new)
    return stamp
