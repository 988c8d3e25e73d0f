"""What stops a backup or its return."""


class BackupFailed(Exception):
    """What went wrong and what to do, in Chinese; nothing was changed, or the words say how far it came."""
