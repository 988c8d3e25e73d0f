"""Company names: compared in one form, sorted and found by pinyin."""

from __future__ import annotations

import unicodedata

from pypinyin import Style, lazy_pinyin

MAX_LENGTH = 100  # of the normalised form, stored and searched alike
ENDINGS = ("有限责任公司", "有限公司")
# Read as surnames (曾记, 解氏) and in place names (单县), pypinyin knows only the everyday reading.
SURNAMES = {"单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "尉": "yu", "盖": "ge"}
AFTER_SURNAMES = tuple("氏记家府县")


def normalize(name: str) -> str:
    """One form for names that mean the same company.

    Full and half width, case, spaces, punctuation, brackets, and the endings 有限公司/有限责任公司 make no difference.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    kept = unicodedata.normalize("NFKC", "".join(char for char in folded if unicodedata.category(char)[0] in "LNM"))
    while ending := next((end for end in ENDINGS if kept.endswith(end) and kept != end), ""):
        kept = kept.removesuffix(ending)
    return (kept or folded.strip())[:MAX_LENGTH]


def pinyin(name: str) -> tuple[str, str]:
    """(full pinyin, initials), lower case, for sorting and searching alike on both databases."""
    syllables = lazy_pinyin(name, style=Style.NORMAL, errors=str.lower)
    if name[:1] in SURNAMES and name[1:].startswith(AFTER_SURNAMES):
        syllables[0] = SURNAMES[name[0]]
    return "".join(syllables)[:200], "".join(syllable[:1] for syllable in syllables)[:100]
