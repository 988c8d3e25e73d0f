"""Company names: normalised for comparison, pinyin for sorting and searching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, product

from pypinyin import Style, lazy_pinyin

from kit.domain.folding import fold_name

MAX_LENGTH = 100  # of the normalised form, stored and searched alike
COMPANY_ENDINGS = ("有限责任公司", "有限公司")
# Read otherwise as surnames (曾记, 解氏) and in place names (单县, 乐亭) than pypinyin reads the character alone.
SURNAME_READINGS = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "尉": "yu", "盖": "ge", "翟": "zhai",
    "乐": "yue", "朴": "piao", "覃": "qin", "种": "chong", "缪": "miao", "员": "yun", "折": "she", "宓": "fu",
    "郇": "xun", "隗": "wei", "召": "shao", "牟": "mu", "柏": "bo", "秘": "bi", "繁": "po", "祭": "zhai", "洗": "xian",
    "句": "gou", "黑": "he", "卜": "bu", "逄": "pang", "佴": "nai",
}  # fmt: skip
EVERYDAY_READINGS = {
    "单": "dan", "曾": "ceng", "解": "jie", "仇": "chou", "区": "qu", "查": "cha", "尉": "wei", "盖": "gai", "翟": "di",
    "乐": "le", "朴": "pu", "覃": "tan", "种": "zhong", "缪": "mou", "员": "yuan", "折": "zhe", "宓": "mi",
    "郇": "huan", "隗": "kui", "召": "zhao", "牟": "mou", "柏": "bai", "秘": "mi", "繁": "fan", "祭": "ji", "洗": "xi",
    "句": "ju", "黑": "hei", "卜": "bo", "逄": "feng", "佴": "er", "冼": "xian",
}  # fmt: skip
FURTHER_READINGS = {"单": "chan", "乐": "lao", "尉": "yun", "隗": "gui", "缪": "miu", "冼": "sheng"}
ALL_READINGS = {
    sign: tuple(
        dict.fromkeys(filter(None, (SURNAME_READINGS.get(sign), EVERYDAY_READINGS[sign], FURTHER_READINGS.get(sign))))
    )
    for sign in EVERYDAY_READINGS
}
# Almost always surnames in company names, wherever they stand alone.
ALWAYS_SURNAMES = frozenset("曾翟仇缪")
AFTER_SURNAMES = tuple("氏记家府县")
Syllable = tuple[str, str]
MAX_AMBIGUOUS, MAX_READINGS = 3, 12


def normalize(name: str) -> str:
    """Return one form for names of the same company.

    Full and half width, case, spaces, punctuation, brackets, and the endings 有限公司/有限责任公司 make no difference.
    """
    folded = fold_name(name)
    while ending := next((end for end in COMPANY_ENDINGS if folded.endswith(end) and folded != end), ""):
        folded = folded.removesuffix(ending)
    return folded[:MAX_LENGTH]


def pinyin(name: str) -> tuple[str, str]:
    """Return (full pinyin, initials) in lower case: they sort and match alike on both databases."""
    return _join_sounds([sound for _, sound in _syllables(name)])


def other_readings(name: str) -> str:
    """Return |full pinyin|initials|… by every other reading of its surnames (曾 zeng and ceng); empty for most names.

    Of more than three such characters only the first three are read otherwise.
    """
    if ALL_READINGS.keys().isdisjoint(name):
        return ""
    syllables = _syllables(name)
    readings: list[str] = []
    usual_reading = _join_sounds([sound for _, sound in syllables])
    for sounds in _other_sounds(syllables):
        readings += [part for part in _join_sounds(sounds) if part not in (*usual_reading, *readings)]
    return f"|{'|'.join(readings)}|" if readings else ""


def _other_sounds(syllables: Sequence[Syllable]) -> Iterator[list[str]]:
    """Yield the sounds of the syllables by each reading of their first ambiguous characters."""
    places = [place for place, (sign, _) in enumerate(syllables) if sign in ALL_READINGS][:MAX_AMBIGUOUS]
    sounds = [sound for _, sound in syllables]
    for sounds_chosen in islice(product(*(ALL_READINGS[syllables[place][0]] for place in places)), MAX_READINGS):
        for place, sound in zip(places, sounds_chosen, strict=True):
            sounds[place] = sound
        yield list(sounds)


def inner_sounds(name: str) -> Iterator[str]:
    """Yield full pinyin and initials of the name from each later character on, by every reading.

    None begins with a digit, nor in the ending 有限公司: that would find all companies.
    """
    syllables = _syllables(name)
    for start in _inner_starts(name, syllables):
        rest = syllables[start:]
        for sounds in ([sound for _, sound in rest], *_other_sounds(rest)):
            yield from _join_sounds(sounds)


def _inner_starts(name: str, syllables: Sequence[Syllable]) -> Iterator[int]:
    """Yield the places of the syllables, but for the first, from which on a name is looked for."""
    named, at = len(normalize(name)), 0
    for place, (sign, sound) in enumerate(syllables):
        if at >= named:
            return
        if place and sound[:1].isalpha():
            yield place
        at += len(sign)


def spoken_signs(name: str, sound: str) -> tuple[int, int]:
    """Return (first, end) of the folded signs whose pinyin or initials begin so; (0, 0) when there are none."""
    syllables = _syllables(name)
    for start in (0, *_inner_starts(name, syllables)):
        if count := _count_spoken(syllables[start:], sound):
            first = sum(len(sign) for sign, _ in syllables[:start])
            return first, first + count
    return 0, 0


def _count_spoken(syllables: Sequence[Syllable], sound: str) -> int:
    """Return how many signs the sound stands for, as initials or as pinyin; 0 when it is another's."""
    initials = zip(sound, syllables, strict=False)
    if len(sound) <= len(syllables) and all(
        any(one.startswith(letter) for one in ALL_READINGS.get(sign, (reading,)))
        for letter, (sign, reading) in initials
    ):
        return sum(len(sign) for sign, _ in syllables[: len(sound)])
    at, rest = 0, sound
    for sign, reading in syllables:
        readings = ALL_READINGS.get(sign, (reading,))
        said = next((one for one in readings if rest.startswith(one) or one.startswith(rest)), "")
        if not said:
            return 0
        at, rest = at + len(sign), rest[len(said) :]
        if not rest:
            return at
    return 0


@lru_cache(maxsize=2000)
def _syllables(name: str) -> tuple[Syllable, ...]:
    """Return (character or run of other signs, its sound), … of the folded name."""
    folded, at, syllables = fold_name(name), 0, list[tuple[str, str]]()
    for sound in lazy_pinyin(folded, style=Style.NORMAL, errors=lambda run: "\0" + run) if folded else ():
        part = sound[1:] if sound[:1] == "\0" else folded[at]
        syllables.append((part, _sound_in_name(folded, at, sound.removeprefix("\0").lower())))
        at += len(part)
    return tuple(syllables)


def _sound_in_name(name: str, at: int, sound: str) -> str:
    """Return the sound of a character, that of the surname where it is one."""
    sign, rest = name[at], name[at + 1 :]
    if sign not in SURNAME_READINGS or sound != EVERYDAY_READINGS[sign]:
        return sound  # no surname, or a word that pypinyin knows
    begins_with_surname = at == 0 and rest.startswith(AFTER_SURNAMES)
    if begins_with_surname or rest.startswith("氏") or (sign in ALWAYS_SURNAMES and not rest.startswith("经")):
        return SURNAME_READINGS[sign]
    return sound


def _join_sounds(sounds: list[str]) -> tuple[str, str]:
    return "".join(sounds)[:200], "".join(sound[:1] for sound in sounds)[:100]
