"""Matching of columns with targets: what was chosen before, names, synonyms, likeness and content, in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz

from kit.domain.folding import fold_name

from .contents import TELLING, count_fitting, counts_rows, is_clear_phone, is_mobile
from .synonyms import OWN_HEADS, row_number_words
from .targets import Kind, Target
from .units import read_head

SAME, SYNONYM, LIKE = 100.0, 92.0, 80.0
LEAST = 50.0  # below it nothing is proposed
LEAST_LIKENESS = 72
MAX_SAMPLES = 200
REMEMBERED, ROW_NUMBERS, EMPTY_COLUMN = "上次的选择", "连续数字", "没有内容"
OWN_COLUMN = "被拒绝的行的说明"
LOOK = "，请看一眼"
# Kinds whose values are free enough that a head alone is believed.
LENIENT = (Kind.CHOICE, Kind.PERSON, Kind.REGION, Kind.CODE, Kind.NAME, Kind.COMPANY)


@dataclass(frozen=True)
class Match:
    """A column and its target, None when it has none. why: in Chinese; sure: nobody needs to look at it.

    ignored: the column holds nothing to import, or was ignored before. unit: in the head. fault: why the column cannot
    be imported as it is, another currency for example.
    """

    column: int  # from 0, among the heads
    target: str | None
    why: str
    sure: bool
    ignored: bool = False
    unit: str = ""
    fault: str = ""


@dataclass(frozen=True)
class _Claim:
    score: float
    column: int
    target: Target
    why: str
    sure: bool

    @property
    def is_vague(self) -> bool:
        """Whether it stands on likeness, or on content that leaves a doubt."""
        return self.why.startswith("与「") or (self.why.startswith("按内容猜") and not self.sure)


def head_key(head: str) -> str:
    """Return a head as corrections are remembered by it."""
    return fold_name(head) or head.strip()


def match_columns(
    heads: Sequence[str],
    samples: Sequence[Sequence[str]],
    targets: Sequence[Target],
    remembered: Mapping[str, str | None] | None = None,
    unit: str = "",
) -> list[Match]:
    """Return a match for each head.

    samples: values of each column. remembered: {head_key(): target, None: ignored}. unit: of the whole table, for
    columns of money whose heads name none.
    """
    values = [[value.strip() for value in column if value.strip()][:MAX_SAMPLES] for column in samples]
    matches = _recall(heads, targets, remembered or {})
    for column, head in enumerate(heads):
        if column not in matches and (why := _why_ignored(head, values[column])):
            matches[column] = Match(column, None, why, True, ignored=True)
    claims = [
        claim
        for column, head in enumerate(heads)
        if column not in matches
        for target in targets
        for claim in _claims(column, head, values[column], target)
        if claim.score >= LEAST
    ]
    _settle(_drop_far_fetched(claims), matches)
    found = [
        matches.get(column) or Match(column, None, _explain_none(column, claims), False) for column in range(len(heads))
    ]
    return [_with_unit(match, head, targets, unit) for match, head in zip(found, heads, strict=True)]


def _recall(heads: Sequence[str], targets: Sequence[Target], remembered: Mapping[str, str | None]) -> dict[int, Match]:
    """Return matches that a person chose before, as far as their targets still exist."""
    keys, taken, matches = {target.key for target in targets}, set[str](), dict[int, Match]()
    for column, head in enumerate(heads):
        if head_key(head) not in remembered:
            continue
        key = remembered[head_key(head)]
        if key is None:
            matches[column] = Match(column, None, REMEMBERED, True, ignored=True)
        elif key in keys and key not in taken:
            taken.add(key)
            matches[column] = Match(column, key, REMEMBERED, True)
    return matches


def _why_ignored(head: str, values: Sequence[str]) -> str:
    bare = read_head(head).bare
    if bare in OWN_HEADS:
        return OWN_COLUMN
    if not values:
        return EMPTY_COLUMN
    if (bare in row_number_words() or not bare) and counts_rows(values):
        return ROW_NUMBERS
    return ""


def _drop_far_fetched(claims: list[_Claim]) -> list[_Claim]:
    """Leave out vague claims of columns whose very name means a target: a second 客户名 is no 客户姓名."""
    best: dict[int, float] = {}
    for claim in claims:
        best[claim.column] = max(best.get(claim.column, 0), claim.score)
    named = {column for column, score in best.items() if score >= SYNONYM - 10}
    return [claim for claim in claims if claim.column not in named or not claim.is_vague]


def _settle(claims: list[_Claim], matches: dict[int, Match]) -> None:
    """Give each target to the column with the surest claim."""
    taken = {match.target for match in matches.values() if match.target}
    for claim in sorted(claims, key=lambda claim: (-claim.score, claim.column)):
        if claim.column not in matches and claim.target.key not in taken:
            taken.add(claim.target.key)
            matches[claim.column] = Match(claim.column, claim.target.key, claim.why, claim.sure)


def _explain_none(column: int, claims: list[_Claim]) -> str:
    best = max((claim for claim in claims if claim.column == column), key=lambda claim: claim.score, default=None)
    return f"「{best.target.full_label}」已有更合适的列" if best else "没有对应"


def _with_unit(match: Match, head: str, targets: Sequence[Target], unit: str) -> Match:
    """Return a match with the unit of its head or, for money, of the table."""
    name = read_head(head)
    is_money = any(target.key == match.target and target.kind is Kind.MONEY for target in targets)
    return replace(match, unit=name.unit or (unit if is_money else ""), fault=name.fault if is_money else "")


def _claims(column: int, head: str, values: Sequence[str], target: Target) -> Iterator[_Claim]:
    """Yield the claims of a column on a target: by its name, and by its content."""
    score, why = _score_name(head, target)
    fitting = count_fitting(target, values)
    if fitting is None or not values:
        yield _Claim(score, column, target, why, score >= SYNONYM - 5)
        return
    share = fitting / len(values)
    if score >= LEAST and why:
        agrees = share >= 0.3 or target.kind in LENIENT
        total = score + _bonus(target, values, share)
        tail = "" if agrees else "，内容不像" + LOOK
        yield _Claim(total if agrees else total - 15, column, target, why + tail, agrees and total >= LIKE - 5)
    if target.kind in TELLING and share >= _least_share(target.kind):
        yield _claim_by_content(column, values, target, fitting)


def _claim_by_content(column: int, values: Sequence[str], target: Target, fitting: int) -> _Claim:
    if target.kind is Kind.PHONE and not _are_phones(values):
        return _Claim(0, column, target, "", False)
    weight, share = TELLING[target.kind], fitting / len(values)
    is_plain = weight >= 24 and share >= 0.9
    tail = f"（校验位 {fitting} / {len(values)}）" if target.kind is Kind.CREDIT_CODE else ("" if is_plain else LOOK)
    score = LEAST + weight * share / 2 + _bonus(target, values, share) / 8
    return _Claim(score, column, target, "按内容猜" + tail, is_plain)


def _are_phones(values: Sequence[str]) -> bool:
    return sum(map(is_clear_phone, values)) >= 0.7 * len(values)


def _least_share(kind: Kind) -> float:
    return 0.5 if kind in (Kind.CHOICE, Kind.PERSON, Kind.REGION) else 0.7


def _bonus(target: Target, values: Sequence[str], share: float) -> float:
    """Return what the content adds: 手机 goes before 电话 where the numbers are mobile ones."""
    if target.kind is not Kind.PHONE:
        return 8 * share
    mobiles = sum(map(is_mobile, values)) / len(values)
    fits = mobiles if "mobile" in target.meaning else 1 - mobiles if target.meaning else share
    return 6 * share + 2 * fits


def _score_name(head: str, target: Target) -> tuple[float, str]:
    """Return (score, why) of a head's name alone."""
    whole, last = _names(head)
    best, why = _score_word(whole, target)
    if last != whole:
        score, reason = _score_word(last, target)
        above = whole.removesuffix(last)
        belongs = target.group and fold_name(target.group) in above
        score += 3 if belongs else -4 if target.group else -1
        if score > best:
            best, why = score, reason
    return best, why


@lru_cache(maxsize=4096)
def _names(head: str) -> tuple[str, str]:
    """Return (the folded head, its last line alone)."""
    return read_head(head).bare, read_head(head.rpartition("›")[2]).bare


@lru_cache(maxsize=65_536)
def _score_word(name: str, target: Target) -> tuple[float, str]:
    if not name:
        return 0, ""
    words = _folded_words(target)
    if name in words[:2]:
        return SAME, "名称相同"
    if name in words:
        return SYNONYM - words.index(name) * 0.02, "同义词"
    best = max(words, key=lambda word: _likeness(name, word))
    likeness = _likeness(name, best)
    return (likeness * LIKE / 100, f"与「{_shown(target, best)}」相近") if likeness >= LEAST_LIKENESS else (0, "")


@lru_cache(maxsize=1024)
def _folded_words(target: Target) -> list[str]:
    return [fold_name(word) for word in target.words]


def _shown(target: Target, folded: str) -> str:
    return next(word for word in target.words if fold_name(word) == folded)


def _likeness(name: str, word: str) -> float:
    """Return 0 to 100; a word inside a longer head counts, at its end more than at its beginning."""
    ratio = fuzz.ratio(name, word)
    if len(word) >= 2 and word in name:
        share = 100 * len(word) / len(name)
        ratio = max(ratio, (82 if name.endswith(word) else 70) + share / 8)
    elif len(name) >= 2 and name in word and len(word) <= 2 * len(name):
        ratio = max(ratio, 74)
    return ratio
