"""Templates to fill in: a column for each target, with its unit, what is required, and drop-downs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from kit.exchange.marked_workbooks import MarkedColumn, MarkedSheet, write_marked

from .targets import Kind, Target

HINTS = {
    Kind.DATE: "写成 2024-03-05，也可以只写年月",
    Kind.MONEY: "只写数，不写单位",
    Kind.NUMBER: "只写数",
    Kind.PHONE: "座机带区号，多个号码只写一个",
    Kind.CREDIT_CODE: "18 位，含校验位",
    Kind.CODE: "按文本填写，开头的 0 会保留",
    Kind.WEBSITE: "以 http:// 或 https:// 开头",
    Kind.COMPANY: "写全称，与营业执照一致",
    Kind.REGION: "从下拉中选；写省或市也认得出",
    Kind.PERSON: "写姓名或账号",
    Kind.CHOICE: "从下拉中选",
    Kind.YES_NO: "是或否",
}
WIDTHS = {Kind.COMPANY: 30, Kind.ADDRESS: 36, Kind.LONG_TEXT: 36, Kind.CREDIT_CODE: 22, Kind.CODE: 20}


def write_template(target: IO[bytes], title: str, targets: Sequence[Target]) -> None:
    """Write the template of a kind of records. Its second row tells how to fill in and is never imported."""
    columns = [template_column(each) for each in targets]
    hints = [_hint(each) for each in targets]
    write_marked(target, MarkedSheet(title, columns, [hints], grey=1))


def template_column(target: Target) -> MarkedColumn:
    """Return the column of a target with its drop-down."""
    note = "；".join(part for part in (_hint(target), f"例如：{target.example}" if target.example else "") if part)
    return MarkedColumn(target.head, note, target.choices, WIDTHS.get(target.kind, 16), target.required)


def _hint(target: Target) -> str:
    needed = "必填" if target.required else "选填"
    told = target.hint or HINTS.get(target.kind, "")
    unit = f"单位：{target.unit}" if target.unit else ""
    return "，".join(part for part in (needed, told, unit) if part)
