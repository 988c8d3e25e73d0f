"""Parse and check one row of the feed: values ready for the table, or the reason of a refusal in Chinese."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from customers.orders.models import OrderStatus
from kit.domain.days import explain_far_day
from kit.domain.folding import clean_text, fold_width
from kit.domain.past_dates import is_in_future
from kit.domain.shortened_numbers import SHORTENED_REFUSED, is_shortened_number
from kit.exchange.amounts import parse_exact
from kit.exchange.dates import InvalidDay, parse_day
from kit.exchange.readers import find_cell_error

SHANGHAI = ZoneInfo("Asia/Shanghai")
STATUSES = {**{label: code for code, label in OrderStatus.choices}, **{code: code for code, _ in OrderStatus.choices}}
CONTROL_CATEGORIES = {"Cc", "Cs"}
DATETIME_COLUMNS = {"ordered_at", "changed_at"}
HOLD_NUMBERS = {
    "number",
    "product_number",
    "customer_number",
    "order_number",
    "model",
    "batch",
    "location",
    "warehouse",
}
COLUMNS = {
    "products": {
        "number": "产品编号", "name": "名称", "model": "型号", "batch": "批次", "unit": "单位",
        "unit_price": "单价", "note": "备注", "changed_at": "changed_at",
    },
    "storage": {
        "product_number": "产品编号", "warehouse": "仓库", "location": "货位", "quantity": "件数", "note": "备注",
        "changed_at": "changed_at",
    },
    "orders": {
        "number": "订单编号", "customer_number": "客户编号", "ordered_at": "日期", "address": "送货地址",
        "status": "状态", "changed_at": "changed_at",
    },
    "order_lines": {
        "order_number": "订单编号", "line_number": "行号", "product_number": "产品编号", "quantity": "数量",
        "unit": "单位", "unit_price": "单价",
    },
}  # fmt: skip


class RowRefused(Exception):
    """The row is invalid; the message says why, in Chinese."""


def normalize_cells(table: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells under the names of the code, whichever of the two names the feed uses, through the text gate.

    "fault" tells why the first unreadable cell is refused; empty for a readable row.
    """
    columns = COLUMNS[table].items()
    values = {name: clean_cell(cells[label] if label in cells else cells.get(name)) for name, label in columns}
    if getattr(cells, "is_1904", False):
        values |= {name: _from_1904(values[name]) for name in DATETIME_COLUMNS & values.keys()}
    return {**values, "fault": _fault(table, values, getattr(cells, "faults", {}))}


def clean_cell(value: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else value


def _fault(table: str, values: Mapping[str, Any], faults: Mapping[str, str]) -> str:
    for name, label in COLUMNS[table].items():
        value = values[name]
        fault = faults.get(label) or faults.get(name) or (find_cell_error(value) if isinstance(value, str) else "")
        if not fault and name in HOLD_NUMBERS and is_shortened_number(value):
            fault = SHORTENED_REFUSED
        if fault:
            return f"{label}「{str(value)[:30]}」：{fault}"
    return ""


def _from_1904(value: Any) -> Any:
    """Convert a bare count of days of a workbook that begins in 1904 to a day."""
    if str(value or "").replace(".", "").isdecimal():
        with suppress(InvalidDay):
            return parse_day(value, is_1904=True).at.isoformat(sep=" ")
        return f"{value}（从 1904 年起的天数）"
    return value


def require_sound(cells: dict[str, Any]) -> dict[str, Any]:
    """Return the cells. Raise RowRefused when one of them is unreadable."""
    if cells["fault"]:
        raise RowRefused(cells["fault"])
    return cells


def missing_columns(table: str, cells: Mapping[str, Any]) -> list[str]:
    optional = {"model", "batch", "unit", "note", "location", "address", "changed_at"}
    columns = COLUMNS[table].items()
    return [label for name, label in columns if name not in optional and name not in cells and label not in cells]


def parse_text(value: Any, label: str, limit: int, *, required: bool = False) -> str:
    stripped = "" if value is None else str(value).strip()
    if required and not stripped:
        raise RowRefused(f"{label}没有填写")
    if len(stripped) > limit:
        raise RowRefused(f"{label}超过 {limit} 个字")
    if not stripped.isprintable() and any(unicodedata.category(sign) in CONTROL_CATEGORIES for sign in stripped):
        raise RowRefused(f"{label}含有控制字符")
    return stripped


def parse_number(value: Any, label: str, places: int, *, required: bool = True) -> Decimal | None:
    """Parse exactly: more decimal places than the column has are refused, never rounded."""
    raw = "" if value is None else str(value).strip()
    if not raw:
        if required:
            raise RowRefused(f"{label}没有填写")
        return None
    if isinstance(value, str) and is_shortened_number(raw):
        raise RowRefused(f"{label}「{raw[:30]}」：{SHORTENED_REFUSED}")
    try:
        amount = parse_exact(raw) if isinstance(value, str) else Decimal(raw)
    except InvalidOperation:
        raise RowRefused(f"{label}「{raw[:30]}」不是数字") from None
    if not amount.is_finite():
        raise RowRefused(f"{label}「{raw[:30]}」不是数字")
    if amount and amount.adjusted() >= 14 - places:
        raise RowRefused(f"{label}「{raw[:30]}」太大")
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        if amount and amount.normalize().as_tuple().exponent < -places:  # type: ignore[operator]
            raise RowRefused(f"{label}「{raw[:30]}」的小数超过 {places} 位")
        amount = round(amount, places)
    return amount


def parse_datetime(value: Any, label: str, *, required: bool = True) -> datetime | None:
    """Parse a datetime; without a zone it is Shanghai's, a month alone is its 1st. Dates in the future are refused."""
    if isinstance(value, datetime):
        at = value
    elif isinstance(value, date):
        at = datetime.combine(value, time())
    else:
        raw = unicodedata.normalize("NFKC", "" if value is None else str(value)).strip()
        if not raw:
            if required:
                raise RowRefused(f"{label}没有填写")
            return None
        at = _parse_datetime_text(raw, label)
    if not 1900 <= at.year <= 2200:
        raise RowRefused(f"{label}的年份 {at.year} 不对")
    if required and (objection := explain_far_day(at.date())):
        raise RowRefused(f"{label} {objection}")
    at = (at if at.tzinfo else at.replace(tzinfo=SHANGHAI)).astimezone(UTC)
    if is_in_future(at):
        raise RowRefused(f"{label}「{at.astimezone(SHANGHAI):%Y-%m-%d}」晚于今天，请在销售系统里核对年份")
    return at


def _parse_datetime_text(raw: str, label: str) -> datetime:
    try:
        return datetime.fromisoformat(raw)
    except ValueError:
        pass
    try:
        return parse_day(raw).at
    except InvalidDay as error:
        raise RowRefused(f"{label}{error}") from None


def is_month(value: Any) -> bool:
    """Return whether a text names a month only."""
    with suppress(InvalidDay):
        return isinstance(value, str) and parse_day(value).is_month
    return False


def parse_status(value: Any) -> str:
    label = parse_text(value, "状态", 50, required=True)
    if label not in STATUSES:
        raise RowRefused(f"状态「{label[:20]}」不认识，应为未回款、已回款、退货或已取消")
    return STATUSES[label]


def parse_product(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": parse_text(cells["number"], "产品编号", 50, required=True),
        "name": parse_text(cells["name"], "名称", 200, required=True),
        "model": parse_text(cells["model"], "型号", 100),
        "batch": parse_text(cells["batch"], "批次", 100),
        "unit": parse_text(cells["unit"], "单位", 20),
        "unit_price": parse_number(cells["unit_price"], "单价", 4, required=False),
        "note": parse_text(cells["note"], "备注", 500),
        "changed_at": parse_datetime(cells["changed_at"], "更新时间（changed_at）", required=False),
    }


def parse_stock(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "product_number": parse_text(cells["product_number"], "产品编号", 50, required=True),
        "warehouse": parse_text(cells["warehouse"], "仓库", 100, required=True),
        "location": parse_text(cells["location"], "货位", 100),
        "quantity": parse_number(cells["quantity"], "件数", 3),
        "note": parse_text(cells["note"], "备注", 500),
        "changed_at": parse_datetime(cells["changed_at"], "更新时间（changed_at）", required=False),
    }


def parse_order(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": parse_text(cells["number"], "订单编号", 50, required=True),
        "customer_number": fold_width(parse_text(cells["customer_number"], "客户编号", 50, required=True)),
        "ordered_at": parse_datetime(cells["ordered_at"], "日期"),
        "address": parse_text(cells["address"], "送货地址", 300),
        "status": parse_status(cells["status"]),
        "changed_at": parse_datetime(cells["changed_at"], "更新时间（changed_at）", required=False),
    }


def parse_line(cells: Mapping[str, Any]) -> dict[str, Any]:
    position = parse_number(cells["line_number"], "行号", 0)
    if position is None or not 0 <= position <= 2_147_483_647:
        raise RowRefused("行号应为不小于 0 的整数")
    return {
        "line_number": int(position),
        "product_number": parse_text(cells["product_number"], "产品编号", 50, required=True),
        "quantity": parse_number(cells["quantity"], "数量", 3),
        "unit": parse_text(cells["unit"], "单位", 20),
        "unit_price": parse_number(cells["unit_price"], "单价", 4),
    }
