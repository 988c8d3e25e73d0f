"""Sheets as offices write them, and runs over them."""

from __future__ import annotations

from pathlib import Path

import openpyxl
from django.core.files import File

from customers.imports.kind import CUSTOMERS
from kit.imports.models import ImportRun
from kit.imports.steps import begin
from kit.imports.tasks import CHECK, VALUES, WRITE, start

HEADS = ["公司名称", "所在省份", "业务员", "联系电话", "联系人", "手机"]


def sheet(tmp_path, *rows, heads=HEADS, above=(), name="客户台账.xlsx") -> Path:
    """Write a workbook and return its path. above: rows over the heads."""
    book = openpyxl.Workbook()
    for row in [*above, heads, *rows]:
        book.active.append(list(row))
    book.save(tmp_path / name)
    return tmp_path / name


def begun(path, by, kind=CUSTOMERS, **values) -> ImportRun:
    """A run after its upload. values: what its owner chose."""
    with path.open("rb") as file:
        run = begin(kind, by, File(file, name=path.name), path.name)
    for name, value in values.items():
        setattr(run, name, value)
    run.save()
    return run


def previewed(path, by, repairs=None, **values) -> ImportRun:
    """A run as far as its preview, with what was proposed. repairs: chosen instead."""
    run = begun(path, by, **values)
    start(run, VALUES, by)
    for target, chosen in (repairs or {}).items():
        run.repairs.setdefault(target, {}).update(chosen)
    run.save()
    start(run, CHECK, by)
    return run


def imported(path, by, **values) -> ImportRun:
    run = previewed(path, by, **values)
    start(run, WRITE, by)
    run.refresh_from_db()
    return run


def outcomes(run) -> dict[int, str]:
    return dict(run.rows.order_by("line").values_list("line", "outcome"))
