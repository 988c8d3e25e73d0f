"""Repairs of regions: a city or province stands for the region that holds it in the dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from kit.domain.folding import fold_width

from .likeness import by_likeness, by_sound, only
from .places import AREAS, Place, area_name, is_place, locate, plain_place, wider_areas
from .repair_words import Answer, Candidate

UNKNOWN = "没有认出这个地区，请选一个"


def propose_region(value: str, candidates: Sequence[Candidate]) -> Answer:
    """Return the region that holds a place: the city, else its province, else its area."""
    text = fold_width(value)
    by_name: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        for name in dict.fromkeys(plain_place(word) for word in candidate.names):
            by_name.setdefault(name, []).append(candidate)
    if area := area_name(text):
        return _of_area(area, by_name, candidates)
    place = locate(text)
    if place is None:
        found = by_sound(text, candidates) or by_likeness(text, candidates)
        return found or Answer(None, UNKNOWN)
    if place.clash:
        return Answer(None, f"{place.city}属于{place.clash}，不属于{place.province}，请核对")
    return _of_place(place, by_name, is_sure=is_place(text))


def _of_place(place: Place, by_name: dict[str, list[Candidate]], *, is_sure: bool) -> Answer:
    names = [name for name in (place.city, place.province, *place.areas) if name]
    for name in names:
        if found := by_name.get(name):
            inside = place.city or place.province
            why = f"就是「{found[0].label}」" if name == inside else f"{inside}属于{name}"
            return only(found, why, sure=is_sure) or Answer(None, UNKNOWN)
    return Answer(None, f"字典里没有{'、'.join(names[:2])}所在的地区，请选一个")


def _of_area(area: str, by_name: dict[str, list[Candidate]], candidates: Sequence[Candidate]) -> Answer:
    if found := by_name.get(area):
        return only(found, f"就是「{found[0].label}」", sure=True) or Answer(None, UNKNOWN)
    for wider in wider_areas(area):
        if found := by_name.get(wider):
            return only(found, f"{area}属于{wider}", sure=True) or Answer(None, UNKNOWN)
    provinces = set(AREAS[area].split())
    inside = tuple(each for each in candidates if plain_place(each.label) in provinces)
    if inside:
        shown = "、".join(f"「{each.label}」" for each in inside[:4])
        return Answer(None, f"{area}里有{shown}，请选一个", options=inside)
    return Answer(None, f"字典里没有{area}，请选一个")
