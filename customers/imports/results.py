"""Results of reading a table: new customers, refused cells, and remarks on existing customers."""

from __future__ import annotations

from dataclasses import dataclass

from customers.records.models import Customer


@dataclass(frozen=True)
class CellError:
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"第 {self.line} 行「{self.column}」：{self.reason}"


@dataclass(frozen=True)
class Remark:
    """The outcome of a row of an existing customer."""

    line: int
    name: str
    words: str

    def __str__(self) -> str:
        return f"第 {self.line} 行「{self.name}」：{self.words}"


@dataclass
class Row:
    """A valid row and its unsaved customer."""

    line: int
    customer: Customer
    parent_text: str
    parent: Row | None = None  # 上级单位 in the same file

    def lacks_parent(self, refused: set[int]) -> bool:
        """Return whether the row of its 上级单位 is left out. refused: line numbers."""
        if self.parent is not None:
            return self.parent.line in refused
        return bool(self.parent_text) and self.customer.parent_id is None

    def is_circular(self) -> bool:
        """Return whether it is its own ancestor."""
        ancestor, visited = self.parent, {id(self)}
        while ancestor is not None and id(ancestor) not in visited:
            visited.add(id(ancestor))
            ancestor = ancestor.parent
        return ancestor is not None


class ImportRefused(Exception):
    """The table cannot be imported at all; the text gives the reason in Chinese."""


CHANGED_MEANWHILE = (
    "导入期间有人新建了同样的客户或地区，或者移交、合并、删除了表中的客户，什么都没有写入，请再运行一次。"
)
