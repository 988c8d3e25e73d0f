"""The conditions of an export, as the trail keeps them: in words, so that people are found in them."""

from __future__ import annotations

from urllib.parse import parse_qsl

EXPORTED = "导出"  # the verb
CONDITIONS = "条件"  # the label under which every export keeps them, and no other deed


def decode_conditions(query: str) -> str:
    """name = value；name = value. Rows from before kept the address's encoding, which has no spaces; words stay."""
    if " " in query:
        return query
    return "；".join(f"{name} = {value}" for name, value in parse_qsl(query))
