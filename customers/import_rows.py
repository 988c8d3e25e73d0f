"""What an import makes of a table's rows: customers to be, refused cells, and remarks on those we have."""

from __future__ import annotations

from dataclasses import dataclass

from .models import Customer


@dataclass(frozen=True)
class CellError:
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"第 {self.line} 行「{self.column}」：{self.reason}"


@dataclass(frozen=True)
class Remark:
    """What became of a row that means a customer we have."""

    line: int
    name: str
    words: str

    def __str__(self) -> str:
        return f"第 {self.line} 行「{self.name}」：{self.words}"


@dataclass
class Row:
    """A row that passed the form, as the customer it will be."""

    line: int
    customer: Customer
    parent_text: str
    parent: Row | None = None  # 上级单位 that stands in the same file

    def lacks_parent(self, refused: set[int]) -> bool:
        """Return whether its 上级单位 stands in a row that is left out."""
        if self.parent is not None:
            return self.parent.line in refused
        return bool(self.parent_text) and self.customer.parent_id is None

    def circles(self) -> bool:
        """Return whether it lies below itself."""
        ancestor, seen = self.parent, {id(self)}
        while ancestor is not None and id(ancestor) not in seen:
            seen.add(id(ancestor))
            ancestor = ancestor.parent
        return ancestor is not None
