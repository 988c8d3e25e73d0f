"""Names of files, cut to what columns and file systems take."""

from __future__ import annotations

from pathlib import Path

MAX_LENGTH = 200  # characters of every file name column
MAX_SUFFIX_LENGTH = 10


def cut_file_name(name: str, limit: int = MAX_LENGTH) -> str:
    """Return the name with at most `limit` characters, cut before the suffix, which says how to open the file.

    Call it again after adding words to a name: a name at the limit is over it then.
    """
    if len(name) <= limit:
        return name
    path = Path(name)
    suffix = path.suffix[:MAX_SUFFIX_LENGTH]
    return path.stem[: limit - len(suffix)] + suffix
