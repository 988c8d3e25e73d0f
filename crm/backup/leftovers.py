"""Leftovers of restores: unfinished copies, the former state, an interrupted swap; each with a stamp."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection

from . import files
from .creation import database
from .errors import BackupFailed

STAMP = r"[0-9]{14}b?"  # of a restore; swapping its former state back adds or removes the b
UNFINISHED = (
    "上次恢复（{}）停在半路：数据库已经换好，附件还没有换完；原来的都还在。"
    "请运行 manage.py restore --continue 做完它；想要原来的，再运行 manage.py restore --back。"
)
BACK_UNFINISHED = "上次换回（{}）停在半路，数据库还没有换。请再运行一次 manage.py restore --back。"
FORMER_STATE = "恢复（{}）以前的数据库（{}）和附件（{}）还留着：manage.py restore --back 换回它们，--forget 删除它们。"
NOT_SWAPPED = "恢复（{}）没有换上就停了，什么都没有改动，留下了半成品：manage.py restore --forget 删除它们。"
NOTHING = "没有未完成的恢复，也没有留下的旧数据。"


@dataclass(frozen=True)
class Leftover:
    """Databases and folders beside the present ones, of one stamp."""

    stamp: str
    has_coming: bool  # a restored database that was not swapped in
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
    def message(self) -> str:
        if self.is_unfinished:
            return UNFINISHED.format(self.stamp)
        if self.is_back_unfinished:
            return BACK_UNFINISHED.format(self.stamp)
        if self.is_swapped:
            former = database().former_name(self.stamp), files.folder_beside(files.FORMER, self.stamp)
            return FORMER_STATE.format(self.stamp, *former)
        return NOT_SWAPPED.format(self.stamp)


def find_leftovers() -> list[Leftover]:
    """Return all leftovers, oldest first."""
    names = set(database().databases_beside())
    folders = {path.name for path in files.root().iterdir()} if files.root().exists() else set()
    stamps = {match[0] for name in names | folders if (match := re.findall(rf"[-_]({STAMP})(?:-wal|-shm)?$", name))}
    return [leftover for stamp in sorted(stamps) if (leftover := _leftover_of(stamp, names, folders))]


def _leftover_of(stamp: str, names: set[str], folders: set[str]) -> Leftover | None:
    coming, former = database().restored_name(stamp) in names, database().former_name(stamp) in names
    pending = {f"{files.COMING}{stamp}", f"{files.ARRIVING}{stamp}"} & folders
    if not (coming or former or pending or f"{files.FORMER}{stamp}" in folders):
        return None
    is_back_unfinished = bool(pending) and not (coming or former) and database().former_name(_other(stamp)) in names
    return Leftover(stamp, coming, former, bool(pending), is_back_unfinished)


def _other(stamp: str) -> str:
    return stamp[:-1] if stamp.endswith("b") else f"{stamp}b"


def refuse_unfinished() -> None:
    for leftover in find_leftovers():
        if leftover.is_unfinished or leftover.is_back_unfinished:
            raise BackupFailed(leftover.message)


def swap_files(stamp: str) -> None:
    """Swap the files, the last step; raise BackupFailed with what to do when it stops half-way."""
    try:
        files.swap(stamp)
    except OSError as error:
        raise BackupFailed(f"{UNFINISHED.format(stamp)}（{error}）") from error


def finish_swaps() -> int:
    """Finish swaps that stopped between database and files; return how many."""
    stopped = [leftover for leftover in find_leftovers() if leftover.is_unfinished]
    for leftover in stopped:
        swap_files(leftover.stamp)
    return len(stopped)


def remove_leftovers() -> list[str]:
    """Remove unfinished copies and former states; return their stamps."""
    refuse_unfinished()
    leftovers = find_leftovers()
    for leftover in leftovers:
        drop(leftover.stamp)
    return [leftover.stamp for leftover in leftovers]


def drop(stamp: str) -> None:
    for name in (database().restored_name(stamp), database().former_name(stamp)):
        database().drop(name)
    for path in map(partial(files.folder_beside, stamp=stamp), (files.COMING, files.ARRIVING, files.FORMER)):
        files.remove(path)
    files.remove(scratch(stamp))


def scratch(stamp: str) -> Path:
    """Return the temporary folder of a dump: beside SQLite's file, which it becomes, or in var/."""
    folder = Path(database().current_name()).parent if connection.vendor == "sqlite" else Path(settings.VAR_DIR)
    return folder / f"restore-{stamp}"


def swap_back() -> str:
    """Swap the newest former state back, the present one becomes the former; return its stamp."""
    for leftover in find_leftovers():
        if leftover.is_unfinished:
            raise BackupFailed(leftover.message)
    former = [leftover for leftover in find_leftovers() if leftover.is_swapped]
    if not former:
        raise BackupFailed("没有留下可以换回的旧数据。")
    stamp, new = former[-1].stamp, _other(former[-1].stamp)
    database().refuse_unfit()
    former_files = files.folder_beside(files.FORMER, stamp)
    if former_files.exists():
        former_files.rename(files.folder_beside(files.COMING, new))
    database().swap(database().former_name(stamp), database().former_name(new))
    swap_files(new)
    return stamp
