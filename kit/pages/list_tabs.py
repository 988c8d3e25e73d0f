"""The tabs of a list: a field whose values are links with the number of their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import models

from .query_string import QueryString

MAX_TAB_COUNT = 999
ALL = "all"


class Tabs(NamedTuple):
    """field: of the model, and the query parameter; choices: (value, label) without 全部; default: shown at first."""

    field: str
    choices: Sequence[tuple[str, str]]
    default: str = ALL
    narrow: Callable[[models.QuerySet[Any], str], models.QuerySet[Any]] | None = None  # rows of a tab, if not by field

    @property
    def labels(self) -> dict[str, str]:
        return {ALL: "全部", **dict(self.choices)}

    def chosen(self, parameters: Mapping[str, Any]) -> str:
        key = parameters.get(self.field, self.default)
        return key if key in self.labels else ALL

    def rows(self, rows: models.QuerySet[Any], key: str) -> models.QuerySet[Any]:
        """Return the rows of a tab."""
        if key == ALL:
            return rows
        return self.narrow(rows, key) if self.narrow else rows.filter(**{self.field: key})

    def links(self, query: QueryString, chosen: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
        return [
            {"label": label, "url": query.link(**{self.field: key}), "current": key == chosen, "count": counts[key]}
            for key, label in self.labels.items()
        ]
