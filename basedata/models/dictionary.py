"""Master data: the dictionary and the numbers of records."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone


class DictionaryEntryQuerySet(models.QuerySet["DictionaryEntry"]):
    def of(self, category: str) -> DictionaryEntryQuerySet:
        return self.filter(category=category)


class DictionaryEntry(models.Model):
    category = models.CharField("类别", max_length=50)
    item = models.CharField("条目", max_length=50)
    value = models.CharField("值", max_length=50)
    is_editable = models.BooleanField("是否可编辑", default=True)

    objects = DictionaryEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "数据字典"
        verbose_name_plural = "数据字典"
        ordering = ["category", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["category", "item"], name="basedata_entry_item", violation_error_message="该类别下已有此条目。"
            ),
            models.UniqueConstraint(
                fields=["category", "value"], name="basedata_entry_value", violation_error_message="该类别下已有此值。"
            ),
        ]

    def __str__(self) -> str:
        return self.item


def entry_field(category: str, label: str, **options: Any) -> models.ForeignKey:
    """A foreign key to one category of the dictionary; an entry in use cannot be deleted."""
    return models.ForeignKey(
        DictionaryEntry,
        models.PROTECT,
        related_name="+",
        verbose_name=label,
        limit_choices_to={"category": category},
        **options,
    )


class NumberSequence(models.Model):
    """The last running number given out for a prefix on a day. Numbers never repeat; gaps are allowed."""

    prefix = models.CharField(max_length=10)
    day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "编号序列"
        verbose_name_plural = "编号序列"
        constraints = [models.UniqueConstraint(fields=["prefix", "day"], name="basedata_sequence_day")]

    def __str__(self) -> str:
        return f"{self.prefix}{self.day:%y%m%d} {self.last}"


def reserve_numbers(prefix: str, count: int = 1, *, on: date | None = None) -> list[str]:
    """Numbers like KH071202001: prefix, yymmdd in Shanghai, at least three digits of running number.

    The sequence row stays locked until the caller's transaction ends; bulk work reserves its block before it begins.
    """
    day = on or timezone.localdate()
    with transaction.atomic():
        sequence = _locked_sequence(prefix, day)
        first = sequence.last + 1
        sequence.last += count
        sequence.save(update_fields=["last"])
    return [f"{prefix}{day:%y%m%d}{number:03d}" for number in range(first, first + count)]


def _locked_sequence(prefix: str, day: date) -> NumberSequence:
    rows = NumberSequence.objects.select_for_update()
    sequence = rows.filter(prefix=prefix, day=day).first()
    if sequence is None:
        try:
            with transaction.atomic():
                NumberSequence.objects.create(prefix=prefix, day=day)
        except IntegrityError:
            pass  # somebody else made the day's row just now
        sequence = rows.get(prefix=prefix, day=day)
    return sequence
