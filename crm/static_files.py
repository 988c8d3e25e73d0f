"""Static files are everybody's: a front server under another account may read them, compressed ones too."""

from __future__ import annotations

import os
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ReadableCompressor(Compressor):
    def write_data(self, *args: Any) -> str:
        written: str = super().write_data(*args)
        os.chmod(written, 0o644)
        return written


class PublicStaticFilesStorage(CompressedManifestStaticFilesStorage):
    def create_compressor(self, **options: Any) -> Compressor:
        return ReadableCompressor(**options)
