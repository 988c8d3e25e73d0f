"""Errors of backup and restore."""

from pathlib import Path


class BackupFailed(Exception):
    """A failure in Chinese, with what to do. Nothing was changed, unless the text says how far it came."""


def broken(path: Path) -> BackupFailed:
    return BackupFailed(f"{path.name} 不是完整的备份文件：已损坏、被截断，或不是本系统的备份。")
