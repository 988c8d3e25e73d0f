"""Names of files, as long as a column and as file systems take."""

from __future__ import annotations

from pathlib import Path

MAX_LENGTH = 200  # characters of every column that keeps one
MAX_SUFFIX_LENGTH = 10


def cut_file_name(name: str, limit: int = MAX_LENGTH) -> str:
    """The name, at most so many characters long; what goes stands before the suffix, which says how to open the file.

    To be asked after words were put around a name too: a name at its limit is past it then.
    """
    if len(name) <= limit:
        return name
    path = Path(name)
    suffix = path.suffix[:MAX_SUFFIX_LENGTH]
    return path.stem[: limit - len(suffix)] + suffix
