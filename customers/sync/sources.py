"""Where the feed comes from: a folder of tables, or a database with four views."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db.utils import ConnectionHandler

from kit.exchange.readers import Table, UnreadableFile, read_table

from .rows import COLUMNS

Rows = Iterator[tuple[int, dict[str, Any]]]
VIEWS = {"products": "vi_product", "storage": "vi_storage", "orders": "vi_orders", "order_lines": "vi_orders_line"}
ENDINGS = (".csv", ".csv.gz", ".xlsx")
CHUNK = 2000


class SourceRefused(Exception):
    """The source cannot be read; the text says why, in Chinese and without credentials."""


class Source(Protocol):
    shown: str

    def rows(self, table: str) -> Rows | None:
        """(line, {column: value}) of a table, or None when the source has no such table."""

    def notes(self) -> list[str]:
        """What was skipped, spread or converted in the tables read so far, in sentences."""

    def close(self) -> None: ...


def open_source(address: str) -> Source:
    return DatabaseSource(address) if "://" in address else FolderSource(Path(address))


def masked(address: str) -> str:
    """The address without user, password and options: what may be shown and logged."""
    if "://" not in address:
        return address[:300]
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"[:300]
    except ValueError:
        return address.split("://", 1)[0] + "://…"


class FolderSource:
    def __init__(self, folder: Path) -> None:
        self.folder, self.shown, self.tables = folder, masked(str(folder)), list[Table]()
        if not folder.is_dir():
            raise SourceRefused(f"没有文件夹 {self.shown}。请填写放有 products、orders 等文件的文件夹或数据库地址。")

    def rows(self, table: str) -> Rows | None:
        found = [path for ending in ENDINGS if (path := self.folder / f"{table}{ending}").exists()]
        if len(found) > 1:
            raise SourceRefused(f"{found[0].name} 和 {found[1].name} 同时存在，不知道该读哪一个。请只保留一个。")
        return self._read(found[0], {*COLUMNS[table], *COLUMNS[table].values()}) if found else None

    def _read(self, path: Path, columns: set[str]) -> Rows:
        self.tables.append(read_table(path, columns.__contains__))
        try:
            yield from self.tables[-1]
        except UnreadableFile as error:
            raise SourceRefused(f"{path.name}：{error}") from error

    def notes(self) -> list[str]:
        return [f"{table.path.name}：{note}" for table in self.tables for note in table.notes]

    def close(self) -> None:
        pass


class DatabaseSource:
    """Read through a connection of its own, all four views in one snapshot."""

    def __init__(self, address: str) -> None:
        self.shown = masked(address)
        try:
            config = environ.Env.db_url_config(address)
            self._prepare(config)
            self.connection = ConnectionHandler({"default": config})["default"]
            self.connection.ensure_connection()
            if self.connection.vendor == "sqlite":
                self.connection.cursor().execute("BEGIN")
            else:
                self.connection.set_autocommit(False)
        except SourceRefused:
            raise
        except (DatabaseError, ImproperlyConfigured, ValueError, KeyError, ImportError):
            # The driver's words may hold the address: neither shown nor chained.
            raise SourceRefused(f"连不上销售系统数据库 {self.shown}。请检查地址、账号和驱动程序。") from None

    def _prepare(self, config: dict[str, Any]) -> None:
        engine = config.get("ENGINE", "")
        if engine.endswith("sqlite3"):
            if not Path(config["NAME"]).is_file():
                raise SourceRefused(f"没有数据库文件 {self.shown}。")
            config["NAME"] = f"file:{Path(config['NAME']).absolute()}?mode=ro"
            config["OPTIONS"] = {"uri": True}
        elif "postgresql" in engine:
            from psycopg import IsolationLevel

            config.setdefault("OPTIONS", {})["isolation_level"] = IsolationLevel.REPEATABLE_READ
        elif "mysql" not in engine:
            raise SourceRefused("只能读取 PostgreSQL、SQLite 和 MySQL 数据库，或者一个文件夹。")

    def rows(self, table: str) -> Rows | None:
        view = VIEWS[table]
        with self.connection.cursor() as cursor:
            known = {info.name for info in self.connection.introspection.get_table_list(cursor)}
        return self._read(view) if view in known else None

    def _read(self, view: str) -> Rows:
        try:
            with self.connection.chunked_cursor() as cursor:
                cursor.execute(f"SELECT * FROM {view}")  # noqa: S608 one of four constants
                line = 0
                names: list[str] = []
                while chunk := cursor.fetchmany(CHUNK):
                    names = names or [column[0] for column in cursor.description]
                    for values in chunk:
                        line += 1
                        yield line, dict(zip(names, values, strict=True))
        except DatabaseError:
            raise SourceRefused(f"读取 {self.shown} 的视图 {view} 时出错，请检查视图和权限。") from None

    def notes(self) -> list[str]:
        return []

    def close(self) -> None:
        self.connection.close()
