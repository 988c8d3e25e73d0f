"""Where the heads of a sheet stand: below titles, over one line or several, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kit.domain.folding import clean_text, fold_width
from kit.exchange.workbooks import MergedRange, SheetRow

from .contents import is_record_value
from .synonyms import known_words
from .units import read_head

LOOKED_AT = 30  # rows with content at the start of a sheet
SEARCHED = 20  # of them, among which the heads are looked for
MAX_HEAD_LINES = 3
MAX_HEAD_LENGTH = 24
VALUE = re.compile(
    r"[-+]?[\d.,:/\-\s¥￥%()+]+[年月日元万亿%]*\d*[月日]?\d*日?|[^@\s]+@[^@\s]+|https?://.*|[0-9A-Z]{8,}|#.*", re.I
)
IDEOGRAPH = "[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]"
UNIT_ALONE = re.compile(r"[(（\[【](?:单位[:：])?[^\d()（）]{1,6}[)）\]】]")  # the line of units below heads
UPRIGHT = "列名像是竖着写在第一列。请在表格软件里转置（选择性粘贴 → 转置），让列名排成一行，再上传。"
BREAK_IN_WORD = re.compile(rf"(?<={IDEOGRAPH})\s*\n\s*|\s*\n\s*(?={IDEOGRAPH})")


@dataclass(frozen=True)
class HeaderGuess:
    lines: tuple[int, ...]
    why: str
    score: float


@lru_cache(maxsize=8192)
def is_known_head(text: str) -> bool:
    """Tell whether offices call a column so."""
    return len(text) <= 60 and read_head(text).bare in known_words()


def tidy_head(text: str) -> str:
    """Return a head on one line: breaks between Chinese signs go, others become a space."""
    return " ".join(BREAK_IN_WORD.sub("", clean_text(text.replace("\r\n", "\n").replace("\r", "\n")).strip()).split())


@lru_cache(maxsize=8192)
def _is_head_like(text: str) -> bool:
    """Tell whether a text may be a head: short, and neither number nor date nor address."""
    plain = fold_width(tidy_head(text))
    if is_known_head(text):
        return True
    return 0 < len(read_head(plain).bare) <= MAX_HEAD_LENGTH and not VALUE.fullmatch(plain)


def _texts(row: SheetRow) -> list[str]:
    return [text.strip() for _, text in sorted(row.cells.items()) if text.strip()]


def _score(row: SheetRow, width: int) -> float:
    texts = _texts(row)
    known = len({text for text in texts if is_known_head(text)})
    if len(texts) < 2 < width:
        return 0  # a title
    like = sum(map(_is_head_like, texts))
    if like < 0.6 * len(texts):
        return 0
    return 3 * known + len(set(texts)) * like / len(texts) / 2


def guess_header(rows: Sequence[SheetRow], merged: Sequence[MergedRange]) -> HeaderGuess:
    """Guess the heads among the first rows with content."""
    rows = rows[:SEARCHED]
    if not rows:
        return HeaderGuess((), "没有内容", -1)
    width = max(len(_texts(row)) for row in rows)
    scores = [_score(row, width) - place * 0.05 for place, row in enumerate(rows)]
    best = max(range(len(rows)), key=scores.__getitem__)
    known = sum(map(is_known_head, _texts(rows[best])))
    if is_upright(rows):
        return HeaderGuess((), UPRIGHT, 0.5)
    if not known and _may_be_heads(rows[0], width):
        return HeaderGuess((rows[0].line,), f"第 {rows[0].line} 行：没有认出列名，先按列名读取，请核对", 0.6)
    if not known and not _stands_out(rows, best, width):
        return HeaderGuess((), "没有认出列名：第一行就像数据。请选列名所在的行，或按内容对应。", 0.5)
    first = last = best
    while first and last - first + 1 < MAX_HEAD_LINES and _continues(rows[first - 1], rows[first], merged):
        first -= 1
    while last + 1 < len(rows) and last - first + 1 < MAX_HEAD_LINES and _continues(rows[last], rows[last + 1], merged):
        last += 1
    lines = tuple(row.line for row in rows[first : last + 1])
    return HeaderGuess(lines, _explain(lines, known, rows[first].line - rows[0].line), max(scores[best], 0))


def is_upright(rows: Sequence[SheetRow]) -> bool:
    """Tell whether the heads stand below each other in the first column, beside the values of one record."""
    pairs = [texts for row in rows if 2 <= len(texts := _texts(row)) <= 3]
    first = sum(is_known_head(texts[0]) for texts in pairs)
    others = sum(is_known_head(text) for texts in pairs for text in texts[1:])
    return len(pairs) >= 3 and first >= 0.7 * len(rows) and others * 3 <= first


def _may_be_heads(row: SheetRow, width: int) -> bool:
    """Tell whether a first row of words that nobody knows may be heads: none of them is a company or a place."""
    texts = _texts(row)
    is_full = len(texts) == width > 1 and len(set(texts)) == width
    return is_full and all(_is_head_like(text) and not is_record_value(text) for text in texts)


def _explain(lines: tuple[int, ...], known: int, above: int) -> str:
    where = f"第 {lines[0]} 行" if len(lines) == 1 else f"第 {lines[0]}–{lines[-1]} 行（{len(lines)} 行列名已合在一起）"
    reason = f"认出 {known} 个列名" if known else "上下内容不同，像是列名"
    return f"{where}：{reason}" + ("，上方是标题" if above else "")


def _stands_out(rows: Sequence[SheetRow], place: int, width: int) -> bool:
    """Tell whether a row without any known word looks like heads: full, all different, unlike the rows below."""
    texts = _texts(rows[place])
    if len(texts) < 0.6 * width or len(set(texts)) < len(texts) or not all(map(_is_head_like, texts)):
        return False
    below = rows[place + 1 : place + 6]
    values = [text for row in below for text in _texts(row)]
    return bool(values) and sum(not _is_head_like(text) for text in values) >= 0.2 * len(values)


def _continues(upper: SheetRow, lower: SheetRow, merged: Sequence[MergedRange]) -> bool:
    """Tell whether two rows are lines of one head."""
    above, below = ({c for c, text in row.cells.items() if text.strip()} for row in (upper, lower))
    texts = _texts(lower)
    if lower.line == upper.line + 1 and texts and all(map(UNIT_ALONE.fullmatch, texts)) and below <= above:
        return True
    if lower.line - upper.line > 2 or not all(map(_is_head_like, [*_texts(upper), *texts])):
        return False
    groups = [
        area
        for area in merged
        if area.first == upper.line and area.last < lower.line and area.right > area.left and area.left in above
    ]
    spread = {c for area in groups for c in range(area.left, area.right + 1)}
    if len(above) > 1 and any(sum(area.left <= c <= area.right for c in below) > 1 for area in groups):
        reached = {area.left for area in merged if area.first <= upper.line and area.last >= lower.line}
        return below - spread <= above | reached | below and any(map(is_known_head, texts))
    known = sum(map(is_known_head, texts))
    return bool(below - above) and bool(above - below) and len(above) > 1 and known * 2 >= len(texts) > 0
