"""Uploaded files on the disk: whole, or not there."""

from __future__ import annotations

from contextlib import suppress

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class WholeFiles(FileSystemStorage):
    """Files of MEDIA_ROOT; what could not be written to its end (a full disk) leaves nothing behind."""

    def _save(self, name: str, content: File[bytes]) -> str:
        existed = self.exists(name)
        try:
            return super()._save(name, content)  # type: ignore[misc]
        except OSError:
            if not existed:
                with suppress(OSError):
                    self.delete(name)
            raise
