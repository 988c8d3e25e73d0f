"""What stops a backup or its return."""

from pathlib import Path


class BackupFailed(Exception):
    """What went wrong and what to do, in Chinese; nothing was changed, or the words say how far it came."""


def broken(path: Path) -> BackupFailed:
    return BackupFailed(f"{path.name} 不是完整的备份文件：已损坏、被截断，或不是本系统的备份。")
