"""Initial targets: working hours by type and customer level. Created once, never over existing ones."""

from __future__ import annotations

from typing import Any

from django.db import connection

# By the value of the 服务类型: hours for the levels 1 to 5, and for organisations that are not customers yet.
TARGETS = {
    "1": ((16, 16, 8, 8, 4), 16),  # 咨询
    "2": ((40, 40, 40, 24, 24), 40),  # 建议
    "3": ((24, 16, 16, 8, 8), 24),  # 投诉
}


def ship_targets(sender: Any = None, **kwargs: Any) -> None:
    from basedata.models import DictionaryEntry

    from .models import ServiceTarget

    if ServiceTarget._meta.db_table not in connection.introspection.table_names() or ServiceTarget.objects.exists():
        return  # the app is being migrated away, or there are targets already
    entries = DictionaryEntry.objects.filter(category__in=("服务类型", "客户等级"))
    entry_of = {(entry.category, entry.value): entry for entry in entries}
    targets = []
    for value, (by_level, without) in TARGETS.items():
        kind = entry_of.get(("服务类型", value))
        levels = [entry_of.get(("客户等级", str(rank))) for rank in range(1, len(by_level) + 1)]
        pairs = [(None, without), *((level, hours) for level, hours in zip(levels, by_level, strict=True) if level)]
        targets += [ServiceTarget(kind=kind, level=level, hours=hours) for level, hours in pairs if kind]
    ServiceTarget.objects.bulk_create(targets)
