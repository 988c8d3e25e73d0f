"""Repairs of people: a name, an account, 小王 or 王经理 where only one can be meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from kit.domain.folding import fold_name, fold_width

from .contents import COMPOUND_SURNAMES, IDEOGRAPHS
from .likeness import only, sound
from .repair_words import NOBODY, Answer, Candidate

BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
SEVERAL = re.compile(r"[/、,，;；&+＋\n]|和|与|\s{2,}")
TITLES = [
    "总经理",
    "副总经理",
    "销售经理",
    "客户经理",
    "大区经理",
    "区域经理",
    "项目经理",
    "部门经理",
    "业务经理",
    "副经理",
    "经理",
    "副总",
    "总监",
    "副主任",
    "主任",
    "主管",
    "部长",
    "科长",
    "处长",
    "组长",
    "队长",
    "工程师",
    "高工",
    "老师",
    "先生",
    "女士",
    "小姐",
    "同志",
    "师傅",
    "总",
    "工",
    "姐",
    "哥",
    "董",
    "老板",
]
TITLE_AT_END = re.compile(f"(?:{'|'.join(sorted(TITLES, key=len, reverse=True))})$")
NICKNAME = re.compile(r"^[小老阿大](?=.)")
NOT_FOUND = "没有这个人，请选一个，或归给别人"


def surname(name: str) -> str:
    return name[:2] if name[:2] in COMPOUND_SURNAMES and len(name) > 2 else name[:1]


def propose_person(value: str, candidates: Sequence[Candidate]) -> Answer:
    """Return the person a text means; nobody when two could be meant."""
    text = fold_width(value)
    if fold_name(text) in NOBODY or text in NOBODY:
        return Answer(None, "没有写人，请选一个，或归给别人")
    plain = fold_name(BRACKETS.sub("", text)) or fold_name(text)
    parts = [fold_name(part) for part in SEVERAL.split(text) if part.strip()]
    if len(parts) > 1 and sum(any(fold_name(each.label) == part for each in candidates) for part in parts) > 1:
        several = tuple(each for each in candidates if fold_name(each.label) in parts)
        return Answer(None, "写了不止一个人，请选一个", options=several)
    steps: tuple[Callable[[], Answer | None], ...] = (
        lambda: only([each for each in candidates if fold_name(each.label) == plain], "姓名相同", sure=True),
        lambda: _by_words_around(text, candidates),
        lambda: _by_pinyin(plain, candidates),
        lambda: _by_nickname(plain, candidates),
        lambda: _by_given_name(plain, candidates),
        lambda: _by_slip(plain, candidates),
    )
    return next((answer for step in steps if (answer := step())), Answer(None, NOT_FOUND))


def _by_words_around(text: str, candidates: Sequence[Candidate]) -> Answer | None:
    """Return the only person whose name or account stands in the text: 销售部-周晓明, 周晓明 13800001111."""
    plain = fold_name(text)
    found = [each for each in candidates if len(each.label) > 1 and fold_name(each.label) in plain]
    words = {fold_name(word) for word in re.split(r"[\s()（）\[\]【】/\-—_:：@]+", text) if word}
    found = found or [each for each in candidates if each.account and fold_name(each.account) in words]
    longest = [
        each for each in found if not any(each.label != other.label and each.label in other.label for other in found)
    ]
    return only(longest, "文字里有姓名" if len(longest) == 1 else "", sure=True)


def _by_pinyin(plain: str, candidates: Sequence[Candidate]) -> Answer | None:
    """Return the person whose name a text spells in pinyin, in full or by initials."""
    if not plain.isascii() or not plain.isalpha() or len(plain) < 2:
        return None
    spelled = [each for each in candidates if plain in _spellings(each.label)]
    if spelled:
        return only(spelled, "姓名的拼音相同", sure=True)
    initials = [each for each in candidates if "".join(sound(sign)[:1] for sign in each.label) == plain]
    return only(initials, "姓名的拼音首字母相同", sure=False)


def _spellings(name: str) -> set[str]:
    family = surname(name)
    return {sound(fold_name(name)), sound(name.removeprefix(family)) + sound(family)}


def _by_nickname(plain: str, candidates: Sequence[Candidate]) -> Answer | None:
    """Return the only one meant by 小周, 老周, 周经理: by surname, or by the given name 小红."""
    named = NICKNAME.sub("", plain)
    titled = TITLE_AT_END.sub("", plain)
    family = named if named != plain else titled if titled != plain else ""
    if not family or not IDEOGRAPHS.fullmatch(family):
        return None
    if len(family) > 1 and family not in COMPOUND_SURNAMES:  # 周晓明经理, 老周晓明, 晓明经理
        whole = [each for each in candidates if each.label in (family, plain) or each.label.endswith(family)]
        return only(whole, "姓名相同", sure=True) if whole else None
    same = [each for each in candidates if surname(each.label) == family]
    given = [each for each in candidates if len(each.label) > 2 and each.label.endswith(plain)]
    both = list(dict.fromkeys([*same, *given]))
    why = "姓氏相同的只有一人" if same else "名字相同的只有一人"
    return only(both, why, sure=True)


def _by_given_name(plain: str, candidates: Sequence[Candidate]) -> Answer | None:
    if len(plain) < 2 or not IDEOGRAPHS.fullmatch(plain):
        return None
    return only(
        [each for each in candidates if len(each.label) > len(plain) and each.label.endswith(plain)],
        "名字相同的只有一人",
        sure=True,
    )


def _by_slip(plain: str, candidates: Sequence[Candidate]) -> Answer | None:
    """Return the person whose name sounds the same, or differs by one sign of at least three."""
    if len(plain) < 2 or not IDEOGRAPHS.fullmatch(plain):
        return None
    heard = [each for each in candidates if sound(fold_name(each.label)) == sound(plain)]
    if heard:
        return only(heard, f"与「{heard[0].label}」读音相同", sure=True)
    near = [each for each in candidates if _differs_by_one(plain, each.label)]
    return only(near, f"与「{near[0].label}」只差一个字" if near else "", sure=False)


def _differs_by_one(text: str, name: str) -> bool:
    same = len(text) == len(name) >= 3 and surname(text) == surname(name)
    return same and sum(one != other for one, other in zip(text, name, strict=True)) == 1
