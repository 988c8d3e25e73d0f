"""Sources of the feed: a folder of tables, or a database with four views."""

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
VIEW_NAMES = {"products": "vi_product", "storage": "vi_storage", "orders": "vi_orders", "order_lines": "vi_orders_line"}
FILE_SUFFIXES = (".csv", ".csv.gz", ".xlsx")
FETCH_SIZE = 2000


class SourceRefused(Exception):
    """The source cannot be read; the message says why, in Chinese and without credentials."""


class Source(Protocol):
    label: str

    def rows(self, table: str) -> Rows | None:
        """Yield (line, {column: value}) of a table; None when the source has no such table."""

    def notes(self) -> list[str]:
        """Return sentences on rows skipped, spread or converted in the tables read so far."""

    def close(self) -> None: ...


def open_source(location: str) -> Source:
    return DatabaseSource(location) if "://" in location else FolderSource(Path(location))


def mask_location(location: str) -> str:
    """Return the location without user, password and options, for pages and logs."""
    if "://" not in location:
        return location[:300]
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"[:300]
    except ValueError:
        return location.split("://", 1)[0] + "://…"


class FolderSource:
    def __init__(self, folder: Path) -> None:
        self.folder, self.label, self.tables = folder, mask_location(str(folder)), list[Table]()
        if not folder.is_dir():
            raise SourceRefused(f"没有文件夹 {self.label}。请填写放有 products、orders 等文件的文件夹或数据库地址。")

    def rows(self, table: str) -> Rows | None:
        paths = [path for ending in FILE_SUFFIXES if (path := self.folder / f"{table}{ending}").exists()]
        if len(paths) > 1:
            raise SourceRefused(f"{paths[0].name} 和 {paths[1].name} 同时存在，不知道该读哪一个。请只保留一个。")
        return self._read(paths[0], {*COLUMNS[table], *COLUMNS[table].values()}) if paths else None

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
    """A database, read through its own connection: all four views in one snapshot."""

    def __init__(self, location: str) -> None:
        self.label = mask_location(location)
        try:
            config = environ.Env.db_url_config(location)
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
            # The driver's message may contain the password: neither shown nor chained.
            raise SourceRefused(f"连不上销售系统数据库 {self.label}。请检查地址、账号和驱动程序。") from None

    def _prepare(self, config: dict[str, Any]) -> None:
        engine = config.get("ENGINE", "")
        if engine.endswith("sqlite3"):
            if not Path(config["NAME"]).is_file():
                raise SourceRefused(f"没有数据库文件 {self.label}。")
            config["NAME"] = f"file:{Path(config['NAME']).absolute()}?mode=ro"
            config["OPTIONS"] = {"uri": True}
        elif "postgresql" in engine:
            from psycopg import IsolationLevel

            config.setdefault("OPTIONS", {})["isolation_level"] = IsolationLevel.REPEATABLE_READ
        elif "mysql" not in engine:
            raise SourceRefused("只能读取 PostgreSQL、SQLite 和 MySQL 数据库，或者一个文件夹。")

    def rows(self, table: str) -> Rows | None:
        view = VIEW_NAMES[table]
        with self.connection.cursor() as cursor:
            view_names = {info.name for info in self.connection.introspection.get_table_list(cursor)}
        return self._read(view) if view in view_names else None

    def _read(self, view: str) -> Rows:
        try:
            with self.connection.chunked_cursor() as cursor:
                cursor.execute(f"SELECT * FROM {view}")  # noqa: S608 one of four constants
                line = 0
                names: list[str] = []
                while chunk := cursor.fetchmany(FETCH_SIZE):
                    names = names or [column[0] for column in cursor.description]
                    for values in chunk:
                        line += 1
                        yield line, dict(zip(names, values, strict=True))
        except DatabaseError:
            raise SourceRefused(f"读取 {self.label} 的视图 {view} 时出错，请检查视图和权限。") from None

    def notes(self) -> list[str]:
        return []

    def close(self) -> None:
        self.connection.close()
