"""The conditions of an export in the audit log: as readable text, so that an erasure finds names in them."""

from __future__ import annotations

from urllib.parse import parse_qsl

EXPORT_VERB = "导出"  # the verb
CONDITIONS_LABEL = "条件"  # the label of the conditions; no event but an export has it


def decode_conditions(query: str) -> str:
    """Return a query string as "name = value；name = value".

    Rows of older versions hold the encoded query string, which has no spaces; a text with spaces is readable already.
    """
    if " " in query:
        return query
    return "；".join(f"{name} = {value}" for name, value in parse_qsl(query))
