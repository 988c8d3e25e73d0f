"""The first rows that meet one of several conditions, each found through an index of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TypeVar

from django.db import models

from .id_sets import IdSet

MOST = 20  # rows that a search shows

Row = TypeVar("Row", bound=models.Model)


def first_rows(rows: models.QuerySet[Row], conditions: Sequence[models.Q], limit: int = MOST) -> list[Row]:
    """Return the first rows in their order that meet any condition: limit, and one more when there are more.

    Each condition is asked alone, so that its own index serves: the first of all are among the first of each.
    """
    if len(conditions) == 1:
        return list(rows.filter(conditions[0])[: limit + 1])
    keys = (rows.filter(condition).values_list("pk", flat=True)[: limit + 1] for condition in conditions)
    return list(rows.filter(pk__in=IdSet(chain.from_iterable(keys)))[: limit + 1])
