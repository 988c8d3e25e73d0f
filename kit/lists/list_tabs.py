"""The tabs of a list: a field whose values are links with the number of their rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import models
from django.http import QueryDict

from kit.pages.query_string import QueryString
from kit.pages.unknown_parameters import describe_repeated_names, describe_unknown_names, shorten

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


def describe_misread(
    query: QueryDict, filters: Iterable[str], several: Iterable[str], tabs: Tabs | None, sorts: Collection[str]
) -> list[str]:
    """Return a sentence for each parameter a list does not know, with what it shows instead.

    several: names of the filters that hold several values.
    """
    known_names = {*filters, tabs.field if tabs else ""}
    single_names = known_names.difference(several)
    sentences = [*describe_unknown_names(query, known_names), *describe_repeated_names(query, single_names)]
    tab, sort = query.get(tabs.field, "") if tabs else "", query.get("sort", "")
    if tabs and tab and tab not in tabs.labels:
        sentences.append(f"没有「{shorten(tab)}」这一类，现在显示全部。")
    if sort and sort.removeprefix("-") not in sorts:
        sentences.append(f"不能按「{shorten(sort)}」排序，现在按默认的顺序。")
    return sentences
