"""Names of files, as long as a column and as file systems take."""

from __future__ import annotations

from pathlib import Path

LONGEST = 200  # characters of every column that keeps one
LONGEST_SUFFIX = 10


def cut_file_name(name: str, limit: int = LONGEST) -> str:
    """The name, at most so many characters long; what goes stands before the suffix, which says how to open the file.

    To be asked after words were put around a name too: a name at its limit is past it then.
    """
    if len(name) <= limit:
        return name
    path = Path(name)
    suffix = path.suffix[:LONGEST_SUFFIX]
    return path.stem[: limit - len(suffix)] + suffix
