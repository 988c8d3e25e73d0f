"""Static files: names with a hash, also in the imports of modules; everybody may read them, compressed ones too.

A front server under another account serves them, hence the permissions. With Django's own switch for imports a module
is asked for under the name of its content: browsers keep it for ever, and who imports it asks for its new version.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.staticfiles.finders import AppDirectoriesFinder
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class AppFilesFinder(AppDirectoriesFinder):
    """Find what pages link. The files of django_htmx are for other set-ups and import what is not there."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or ()), "django_htmx"])


class ReadableCompressor(Compressor):
    def write_data(self, *args: Any) -> str:
        written: str = super().write_data(*args)
        os.chmod(written, 0o644)
        return written


class PublicStaticFilesStorage(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.urls: dict[str, str] = {}

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the URL of a file; a page asks for thirty, and none changes before the next start."""
        if force or name is None:
            return str(super().url(name, force))
        if name not in self.urls:
            self.urls[name] = super().url(name)
        return self.urls[name]

    def post_process(self, *args: Any, **options: Any) -> Iterator[tuple[str, str | None, Any]]:
        self.urls.clear()
        yield from super().post_process(*args, **options)
        self.urls.clear()

    def create_compressor(self, **options: Any) -> Compressor:
        return ReadableCompressor(**options)
