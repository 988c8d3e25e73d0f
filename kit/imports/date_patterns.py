"""Dates of a column: one pattern for all of them, or a question where two would fit."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from kit.domain.days import EARLIEST_DAY, explain_far_day, latest_plausible_day, misread_month
from kit.exchange.dates import InvalidDay, ParsedDay, parse_day

YEAR_FIRST, MONTH_FIRST, DAY_FIRST = "ymd", "mdy", "dmy"
LABELS = {YEAR_FIRST: "年/月/日", MONTH_FIRST: "月/日/年", DAY_FIRST: "日/月/年"}
THREE_PARTS = re.compile(r"(\d{1,4})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{1,4})(?:\s+(.*))?\Z")
CLOCK = re.compile(
    r"(上午|下午|早上|中午|晚上|am|pm)?\s*(\d{1,2})[:时点](\d{1,2})?(?:[:分](\d{1,2}))?(?:\.\d+)?秒?分?\s*(am|pm)?\Z"
)
CHINESE_DIGITS = str.maketrans("〇零○Ｏ一二三四五六七八九", "0000123456789")
CHINESE_DATE = re.compile(
    r"([〇零○一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月(?:([一二三四五六七八九十]{1,3})[日号])?\Z"
)
MONTHS = {
    word: place
    for place, word in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
ENGLISH_DATE = re.compile(
    r"(?:(\d{1,2})[-\s/.]*([a-z]{3})[a-z]*|([a-z]{3})[a-z]*[-\s/.]*(\d{1,2})(?:st|nd|rd|th)?),?[-\s/.]*(\d{4}|\d\d)\Z"
)
WEEKDAY = re.compile(
    r"[(（]?(?:星期|周|礼拜)[一二三四五六日天][)）]?|,?\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b,?"
)
NO_DATE = re.compile(
    r"(?:[-—/\\.?？\s]*|无|没有|不详|未知|待定|空|n/?a|null|none|长期|暂无|tbd|0|0000[-/.]?00[-/.]?00)\Z", re.I
)
SLIPS = str.maketrans(
    {"o": "0", "l": "1", "i": "1", "。": ".", "、": ".", "，": ".", ",": ".", "_": "-", "\\": "/", "~": "-"}
)
MAX_MISFITS = 500


@dataclass(frozen=True)
class Misfit:
    """A value that is no date under the pattern. day: what was probably meant; empty: better left empty."""

    value: str
    rows: int
    day: date | None
    why: str
    empty: bool = False


@dataclass(frozen=True)
class DateGuess:
    """One pattern for a column. question: for a person, "" when it is clear; choices: (pattern, reading)."""

    pattern: str
    why: str
    rows: int = 0
    fits: int = 0
    question: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    misfits: tuple[Misfit, ...] = ()


def parse(text: str, pattern: str = YEAR_FIRST, *, is_1904: bool = False) -> ParsedDay:
    """Parse a date under the pattern of its column. Raise InvalidDay."""
    plain = _normalize(text)
    if written := _read_words(plain):
        return _checked(written)
    body, clock = _cut_clock(plain)
    match = THREE_PARTS.match(body)
    if match and not match[4] and len(match[1]) < 3 and (pattern != YEAR_FIRST or len(match[3]) == 4):
        return _checked(_read_ordered(match, pattern, text), clock, is_short=len(match[3]) < 3)
    if match and not match[4] and len(match[1]) < 3 and len(match[3]) < 3:
        year, month, day = (int(match[place]) for place in (1, 2, 3))
        return _checked(_make(_complete(year), month, day, text), clock, is_short=True)
    parsed = parse_day(body if clock else plain, is_1904=is_1904)
    return parsed._replace(at=datetime.combine(parsed.at.date(), clock)) if clock else parsed


def is_date(text: str) -> bool:
    """Tell whether a text is a date under any pattern, and surely meant as one: a bare number is none."""
    if not any(sign in text for sign in "-/.年月 ") and not re.fullmatch(r"(?:19|20)\d{6}", text.strip()):
        return False
    return bool(_fitting(text))


def guess(values: Mapping[str, int] | Iterable[str], *, is_1904: bool = False) -> DateGuess:
    """Guess the pattern of a column from its values, with the rows of each."""
    counts = Counter({value: rows for value, rows in Counter(values).items() if str(value).strip()})
    fitting = {value: _fitting(value, is_1904) for value in counts}
    totals = {key: sum(counts[value] for value, fits in fitting.items() if key in fits) for key in LABELS}
    rows = sum(counts.values())
    telling = [value for value, fits in fitting.items() if (fits and len(set(fits.values())) > 1) or 0 < len(fits) < 3]
    best = max(totals.values(), default=0)
    patterns = [key for key in LABELS if totals[key] == best and best]
    if not patterns:
        return DateGuess(YEAR_FIRST, "没有认出日期", rows, 0, misfits=_misfits(counts, YEAR_FIRST, is_1904))
    pattern = patterns[0]
    differing = [value for value in telling if len({fitting[value].get(key) for key in patterns}) > 1]
    misfits = _misfits(counts, pattern, is_1904)
    why = f"{LABELS[pattern]}，{best:,} 行都通" if best == rows else f"{LABELS[pattern]}，{rows:,} 行中 {best:,} 行通"
    if not differing or (pattern == YEAR_FIRST and all(map(_begins_with_year, differing))):
        return DateGuess(pattern, why, rows, best, misfits=misfits)
    example = max(differing, key=counts.__getitem__)
    choices = tuple((key, f"{example} 是 {_in_words(fitting[example][key])}（{LABELS[key]}）") for key in patterns)
    question = f"「{example}」看不出哪个是月、哪个是日，请选一种。"
    return DateGuess(pattern, why, rows, best, question, choices, misfits)


def _begins_with_year(value: str) -> bool:
    """Tell whether the first of two digits can only be the year, as 24/3/5 is read in Chinese."""
    try:
        parse_day(_cut_clock(_normalize(value))[0])
    except InvalidDay:
        return False
    return True


def _in_words(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _fitting(value: str, is_1904: bool = False) -> dict[str, date]:
    """Return {pattern: day} of the patterns under which a value is a date."""
    days = {}
    for pattern in LABELS:
        try:
            days[pattern] = parse(value, pattern, is_1904=is_1904).at.date()
        except InvalidDay:
            continue
    return days


def _normalize(text: str) -> str:
    plain = WEEKDAY.sub(" ", unicodedata.normalize("NFKC", str(text)).strip().lower().lstrip("'"))
    return re.sub(r"(\d)号", r"\1日", " ".join(plain.split()))


def _read_words(plain: str) -> date | None:
    """Read 二〇二四年三月五日 and 5-Mar-24."""
    if match := CHINESE_DATE.match(plain):
        year = int(match[1].translate(CHINESE_DIGITS))
        return _make(year, _chinese_number(match[2]), _chinese_number(match[3] or "一"), plain)
    match = ENGLISH_DATE.match(plain)
    month = MONTHS.get(match[2] or match[3]) if match else None
    if not match or not month:
        return None
    return _make(_complete(int(match[5])), month, int(match[1] or match[4]), plain)


def _chinese_number(text: str) -> int:
    tens, has_ten, ones = text.rpartition("十")
    digits = "0123456789"
    one = int(ones.translate(CHINESE_DIGITS)) if ones and ones.translate(CHINESE_DIGITS) in digits else 0
    ten = int(tens.translate(CHINESE_DIGITS)) if tens else 1
    return ten * 10 + one if has_ten else one


def _cut_clock(plain: str) -> tuple[str, time | None]:
    """Return (the text in front of a time of day, the time), which may be written with 上午 and 下午."""
    head, _, tail = plain.partition(" ")
    match = CLOCK.match(tail)
    if not match:
        return plain, None
    hour, half = int(match[2]), match[1] or match[5] or ""
    hour += 12 if half in ("下午", "晚上", "pm") and hour < 12 else 0
    hour -= 12 if half in ("上午", "am") and hour == 12 else 0
    try:
        return head, time(hour, int(match[3] or 0), int(match[4] or 0))
    except ValueError:
        raise InvalidDay(f"「{plain[:30]}」的时间不对，请改正。") from None


def _read_ordered(match: re.Match[str], pattern: str, text: str) -> date:
    """Read 3/5/2024 and 3/5/24 in the order of the pattern; a year of four digits at the end is asked for."""
    if pattern == YEAR_FIRST:
        raise InvalidDay(f"「{text.strip()[:30]}」的年份写在后面，请选择月和日的顺序，或写成 2024-03-05 这样的日期。")
    if len(match[3]) == 3:
        raise InvalidDay(f"「{text.strip()[:30]}」的年份不对，请改正。")
    first, second, year = int(match[1]), int(match[2]), _complete(int(match[3]))
    month, day = (first, second) if pattern == MONTH_FIRST else (second, first)
    return _make(year, month, day, text)


def _complete(year: int) -> int:
    if year > 99:
        return year
    return year + (2000 if year + 2000 <= latest_plausible_day().year else 1900)


def _make(year: int, month: int, day: int, text: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise InvalidDay(f"「{text.strip()[:30]}」没有这一天，请改正。") from None


def _checked(day: date, clock: time | None = None, *, is_short: bool = False) -> ParsedDay:
    if reason := explain_far_day(day):
        raise InvalidDay(reason)
    return ParsedDay(datetime.combine(day, clock or time()), is_short=is_short)


def _misfits(counts: Mapping[str, int], pattern: str, is_1904: bool) -> tuple[Misfit, ...]:
    found = []
    for value, rows in sorted(counts.items(), key=lambda item: -item[1]):
        try:
            parse(value, pattern, is_1904=is_1904)
        except InvalidDay as error:
            found.append(_propose(value, rows, pattern, str(error)))
    return tuple(found[:MAX_MISFITS])


def _propose(value: str, rows: int, pattern: str, reason: str) -> Misfit:
    """Return what was probably meant by a value that is no date."""
    plain = _normalize(value)
    if NO_DATE.match(plain):
        return Misfit(value, rows, None, "没有日期，可以留空", empty=True)
    if found := next(iter(_fitting(value).values()), None) if len(set(_fitting(value).values())) == 1 else None:
        return Misfit(value, rows, found, f"与这一列的写法不同，只能是 {found}")
    for repaired, why in _repairs(plain):
        try:
            return Misfit(value, rows, parse(repaired, pattern).at.date(), why)
        except InvalidDay:
            continue
    return Misfit(value, rows, _other_century(plain, pattern), reason)


def _repairs(plain: str) -> Iterable[tuple[str, str]]:
    """Yield texts that may have been meant, each with the reason."""
    slipped = re.sub(r"([-/.])[-/.]+", r"\1", plain.translate(SLIPS)).strip(" .-/")
    yield slipped, "去掉多余的符号后是日期"
    yield re.sub(r"\s+", "-", slipped), "空格当作分隔符后是日期"
    if match := re.search(r"(?:19|20)\d\d\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}", plain):
        yield match[0], "文字里只有这一个日期"
    if match := re.fullmatch(r"((?:19|20)\d\d)年?", plain):
        yield f"{match[1]}-01-01", "只有年份，按 1 月 1 日，请看一眼"


def _other_century(plain: str, pattern: str) -> date | None:
    """Return the day for a year beyond reach that a slip of one digit explains: 2204-03-05, 1024-03-05."""
    match = re.match(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})", plain)
    if not match:
        return None
    try:
        day = date(*(int(match[place]) for place in (1, 2, 3)))
    except ValueError:
        return None
    if month := misread_month(day):
        return month
    swapped = [day.replace(year=year) for year in _near_years(day.year) if (day.month, day.day) != (2, 29)]
    plausible = [each for each in swapped if EARLIEST_DAY <= each <= latest_plausible_day()]
    return plausible[0] if len(plausible) == 1 else None


def _near_years(year: int) -> set[int]:
    """Return years of which two neighbouring digits were swapped, or that lie a century or a millennium off."""
    text = str(year)
    swapped = {int(text[:place] + text[place + 1] + text[place] + text[place + 2 :]) for place in range(3)}
    return {each for each in swapped | {year - 100, year + 100, year - 1000, year + 1000} if 1900 <= each <= 2200}
