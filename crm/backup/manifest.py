"""The manifest of a backup, and its validation."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import BackupFailed

MANIFEST, DATABASE, FILES = "manifest.json", "database", "files/"
MAX_MANIFEST = 64 * 1024 * 1024
MAX_NAME, MAX_PART = 4000, 255  # bytes, as file systems have them
MAX_TEXT = 300
VENDORS = ("sqlite", "postgresql")
Tables = dict[str, list[Any]]  # name: [rows, checksum]


@dataclass(frozen=True)
class Manifest:
    """members: name → (bytes, SHA-256) in the order of the archive; None where the first format has no value."""

    vendor: str
    tables: Tables
    members: dict[str, tuple[int | None, str | None]]
    migrations: list[tuple[str, str]] | None
    missing: tuple[str, ...] = ()
    product: str = ""
    made_at: str = ""

    @property
    def files(self) -> list[str]:
        return [name.removeprefix(FILES) for name in self.members if name.startswith(FILES)]

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.tables.values())


def serialize_manifest(manifest: Manifest) -> bytes:
    """Return the manifest in the present format."""
    return json.dumps({name: getattr(manifest, name) for name in FIELDS}).encode()


FIELDS = ("product", "made_at", "vendor", "migrations", "tables", "members", "missing")
V1_FIELDS = ("made_at", "vendor", "tables", "files")


def parse_manifest(text: bytes) -> Manifest:
    fields = _object(text, FIELDS)
    _expect(isinstance(fields["missing"], list) and all(isinstance(name, str) for name in fields["missing"]))
    _expect(all(_is_text(fields[name]) for name in ("product", "made_at")))
    _expect(isinstance(fields["migrations"], list))
    _expect(all(_strings(pair) and len(pair) == 2 for pair in fields["migrations"]))
    _expect(isinstance(fields["members"], dict))
    for entry in fields["members"].values():
        _expect(isinstance(entry, list) and len(entry) == 2 and _is_count(entry[0]) and _is_digest(entry[1]))
    members = {name: (entry[0], entry[1]) for name, entry in fields["members"].items()}
    return Manifest(
        vendor=_vendor(fields),
        tables=_tables(fields),
        members=_members(members),
        migrations=[(app, name) for app, name in fields["migrations"]],
        missing=tuple(fields["missing"]),
        product=fields["product"],
        made_at=fields["made_at"],
    )


def parse_v1_manifest(text: bytes) -> Manifest:
    """Return the manifest of the first format: no sizes, no digest of the database, no migrations."""
    fields = _object(text, V1_FIELDS)
    _expect(_is_text(fields["made_at"]) and isinstance(fields["files"], dict))
    _expect(all(_is_digest(digest) for digest in fields["files"].values()))
    files = {f"{FILES}{name}": (None, digest) for name, digest in fields["files"].items()}
    members = _members({DATABASE: (None, None), **files})
    return Manifest(_vendor(fields), _tables(fields), members, migrations=None, made_at=fields["made_at"])


def _object(text: bytes, fields: tuple[str, ...]) -> dict[str, Any]:
    try:
        content = json.loads(text.decode(), parse_constant=_no_number, parse_float=_no_number)
    except (ValueError, RecursionError, MemoryError):
        raise BackupFailed("备份的清单读不出来。") from None
    _expect(isinstance(content, dict) and sorted(content) == sorted(fields))
    return content


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _expect(is_valid: bool) -> None:
    if not is_valid:
        raise BackupFailed("备份的清单不完整，或不是本系统写的。")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**62


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _vendor(fields: dict[str, Any]) -> str:
    _expect(_is_text(fields["vendor"]))
    return str(fields["vendor"])


def _tables(fields: dict[str, Any]) -> Tables:
    tables = fields["tables"]
    _expect(isinstance(tables, dict) and all(_is_text(name) for name in tables))
    for entry in tables.values():
        _expect(isinstance(entry, list) and len(entry) == 2 and _is_count(entry[0]))
        _expect(entry[1] is None or _is_text(entry[1]))
    return dict(tables)


def _members(members: dict[str, Any]) -> dict[str, Any]:
    """Check that there is one database, and files whose names stay below their folder and out of each other's way."""
    _expect(DATABASE in members)
    for name in members.keys() - {DATABASE}:
        if not is_plain(name):
            raise BackupFailed(f"备份里有不允许的文件名：{name[:100]!r}。")
    above = {folder for name in members for folder in folders(name)}
    _expect(not above & members.keys())
    return members


RESERVED = (".restore-", ".arriving-", ".former-")  # folders of restores


def is_plain(name: str) -> bool:
    """Tell whether a member's name is that of a file somewhere below files/."""
    parts = name.removeprefix(FILES).split("/")
    return (
        name.startswith(FILES)
        and "\0" not in name
        and _encodes(name)
        and len(os.fsencode(name)) <= MAX_NAME
        and all(0 < len(os.fsencode(part)) <= MAX_PART for part in parts)
        and not {".", ".."} & set(parts)
        and not parts[0].startswith(RESERVED)
    )


def _encodes(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def folders(name: str) -> list[str]:
    """Return the folders above a name: "files/a/b" gives "files", "files/a"."""
    parts = name.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]
