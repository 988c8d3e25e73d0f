"""Which columns a list shows, and in which order: the list's own, or those that the URL names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kit.lists.columns import Column

if TYPE_CHECKING:
    from kit.lists.list_page import ListPage

GIVES_WAY = {"lo", "m-h"}  # classes that hide a column where room is short: not one that was asked for


class Entry(NamedTuple):
    """A line of the chooser. focus: which of its buttons has the focus after a move, empty for none."""

    key: str
    label: str
    shown: bool
    fixed: bool
    up: bool
    down: bool
    focus: str


class ColumnChoice:
    """The columns of a list as ?columns= names them; one is fixed and stands first, the one that names the record."""

    def __init__(self, page: ListPage) -> None:
        self.page = page
        self.every = {column.key: column for column in page.columns}
        self.usual = list(page.shown_columns)
        self.fixed = next((column for column in page.columns if "m-t" in column.css.split()), page.columns[0]).key
        parameter = page.request.GET.get("columns", "")
        names = dict.fromkeys(name for part in parameter.split(",") if (name := part.strip()))
        self.unknown = [name for name in names if name not in self.every]
        known = [name for name in names if name in self.every and name != self.fixed]
        self.chosen = [self.fixed, *known] if known or self.fixed in names else []

    @property
    def shown(self) -> list[Column]:
        if not self.chosen:
            return self.usual
        return [_steady(self.every[key]) for key in self.chosen]

    @property
    def for_file(self) -> list[Column]:
        """Return the columns of an export: all of the list, or the chosen ones with what shares their cells."""
        if not self.chosen:
            return list(self.page.columns)
        keys: dict[str, None] = {}
        for key in self.chosen:
            keys |= dict.fromkeys((key, *(name for name in self.every[key].beside if name in self.every)))
        return [self.every[key] for key in keys]

    @property
    def reads_file_rows(self) -> bool:
        """Whether a column is shown that the list loads for files only."""
        return any(self.every[key].export_only for key in self.chosen)

    def entries(self) -> list[Entry]:
        """Return the lines of the chooser: shown columns in their order, the others behind them."""
        keys = self.chosen or [column.key for column in self.usual]
        shown = [self.fixed, *(key for key in keys if key != self.fixed)]
        moved, last = self.page.request.GET.get("choosing", ""), len(shown) - 1
        entries = []
        for place, key in enumerate([*shown, *(key for key in self.every if key not in shown)]):
            up, down = 1 < place <= last, 0 < place < last
            focus = ("up" if up else "down" if down else "") if key == moved else ""
            label = self.every[key].label
            entries.append(Entry(key, label, place <= last, key == self.fixed, up, down, focus))
        return entries

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Return the parameters that the chooser's form sends along."""
        return self.page.query.without("columns", "choosing", "page")

    @property
    def usual_url(self) -> str:
        return self.page.query.link(columns=None)

    def sent(self) -> str:
        """Return the URL that the chooser's form asks for, empty where it was not sent."""
        parameters = self.page.request.GET
        if "column" not in parameters:
            return ""
        ticked = [key for key in dict.fromkeys(parameters.getlist("column")) if key in self.every and key != self.fixed]
        moved = next((key for name in ("up", "down") if (key := parameters.get(name, "")) in ticked), "")
        if moved:
            place = ticked.index(moved)
            other = max(place - 1, 0) if "up" in parameters else place + 1
            ticked.insert(other, ticked.pop(place))
        keys = [self.fixed, *ticked]
        usual = [self.fixed, *(column.key for column in self.usual if column.key != self.fixed)]
        columns = None if keys == usual else ",".join(keys)
        without = dict.fromkeys(("column", "up", "down"))
        return self.page.query.link(**without, columns=columns, choosing=moved or None)

    def misread(self) -> list[str]:
        """Return a sentence for each column that is left out: unknown, or not for this reader."""
        labels = {column.key: column.label for column in type(self.page).columns}
        return [f"「{labels.get(key, key)[:30]}」这一列没有，或您不能看，没有显示。" for key in self.unknown]


def _steady(column: Column) -> Column:
    """Return the column as it is shown where it was asked for: at every width."""
    classes = column.css.split()
    if not GIVES_WAY & set(classes):
        return column
    return replace(column, css=" ".join(name for name in classes if name not in GIVES_WAY))
