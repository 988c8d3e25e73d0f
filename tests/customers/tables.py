"""Tables of customers as files, and the command that imports them."""

from __future__ import annotations

import csv
import gzip
import io

import openpyxl
from django.core.management import CommandError, call_command

HEADERS = ["名称", "地区"]


def table(tmp_path, rows, *, headers=HEADERS, encoding="utf-8-sig", delimiter=",", name="customers.csv"):
    """Write a csv file with these rows and return its path."""
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([headers, *rows])
    content = stream.getvalue().encode(encoding)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def workbook(tmp_path, headers, rows):
    """Write an xlsx file with these rows and return its path."""
    book = openpyxl.Workbook()
    for row in [headers, *rows]:
        book.active.append(row)
    book.save(tmp_path / "customers.xlsx")
    return tmp_path / "customers.xlsx"


def run(path, **options):
    """Return what the import command said, and the lines it refused."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_customers", path, **{"manager": "owner", **options}, stdout=out, stderr=err)
    except CommandError as error:
        return str(error), err.getvalue().splitlines()
    return out.getvalue(), []
