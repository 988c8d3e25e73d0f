"""Static files are everybody's: a front server under another account may read them, compressed ones too."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ReadableCompressor(Compressor):
    def write_data(self, *args: Any) -> str:
        written: str = super().write_data(*args)
        os.chmod(written, 0o644)
        return written


class PublicStaticFilesStorage(CompressedManifestStaticFilesStorage):
    @lru_cache(maxsize=1024)  # noqa: B019  (there is one storage as long as the process lives)
    def url(self, name: str | None, force: bool = False) -> str:
        """Return the URL of a file. Every page asks for the same few."""
        url: str = super().url(name, force)
        return url

    def create_compressor(self, **options: Any) -> Compressor:
        return ReadableCompressor(**options)
