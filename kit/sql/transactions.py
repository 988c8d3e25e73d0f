"""Functions that need a transaction say so, and fail where there is none instead of half-way."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
R = TypeVar("R")


def in_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run only inside a transaction: its locks must last, and its rows come or go together."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not connection.in_atomic_block:
            raise RuntimeError(f"{function.__qualname__} needs a transaction")
        return function(*args, **kwargs)

    return run
