"""One value that is stored wrongly, and its correction under the row's lock, with an event in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, models, transaction

from kit.audit.log import save_changes

VERB = "数据检查"


class NotMended(Exception):
    """The value stays as it is; the text says why, in Chinese."""


@dataclass(frozen=True)
class Finding:
    """A wrong value of a record: stored text, advice, and how to mend it (None: only a user can)."""

    record: models.Model
    label: str
    stored: str
    advice: str
    mend: Callable[[], None] | None = None

    @property
    def url(self) -> str:
        """Return the URL of the record; "" where it has no page."""
        page = getattr(self.record, "get_absolute_url", None)
        return f"{settings.CRM_BASE_URL}{page()}" if page else ""

    def __str__(self) -> str:
        number = getattr(self.record, "number", "") or f"#{self.record.pk}"
        name = f"{self.record._meta.verbose_name} {number}「{str(self.record)[:40]}」"
        return f"{name} {self.label}：{self.stored[:80]} → {self.advice}  {self.url}".rstrip()


class Kind(NamedTuple):
    """One kind of fault. is_guess: the proposed value may be wrong, so it is mended only when named by --only."""

    code: str
    title: str
    find: Callable[[], Iterator[Finding]]
    is_guess: bool = False


def build_setter(record: models.Model, name: str, value: Any) -> Callable[[], None]:
    """Return a function that sets one field, unless it has changed since it was read."""
    before = getattr(record, name)

    def set_field() -> None:
        with transaction.atomic():
            row = type(record)._base_manager.select_for_update().get(pk=record.pk)
            if getattr(row, name) != before:
                raise NotMended("刚刚有人改过，请再检查一次")
            save_changes(None, VERB, row, **{name: value})

    return set_field


def mend(finding: Finding) -> str:
    """Mend one finding; return why it was not, or nothing."""
    if finding.mend is None:
        return "需要人来核对"
    try:
        with transaction.atomic():
            finding.mend()
    except IntegrityError:
        return "另一条记录已经使用改正后的值，请先合并或改正其中一条"
    except NotMended as error:
        return str(error)
    return ""
