"""Master data: the dictionary and the numbers of records."""

from __future__ import annotations

from datetime import date
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from basedata.company_wide import CompanyWideQuerySet
from kit.audit.log import log_event, save_changes
from kit.domain.actor import Actor
from kit.domain.urls import record_url
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if
from kit.lists.paging import MAX_COUNT, format_count
from kit.sql.counts import count_capped
from kit.transitions import creation, transition


class DictionaryEntryQuerySet(CompanyWideQuerySet):
    view_permission = "basedata.view_dictionaryentry"

    def of(self, category: str) -> Self:
        return self.filter(category=category)

    def categories(self) -> list[str]:
        """Return the existing categories in order."""
        grouped = self.order_by("category").values("category").annotate(entries=models.Count("pk"))
        return [row["category"] for row in grouped]

    def with_in_use(self) -> Self:
        """Add in_use: whether any record refers to the entry. Looks for one, counts none."""
        conditions = (
            models.Exists(relation.related_model._base_manager.filter(**{relation.field.name: models.OuterRef("pk")}))
            for relation in dictionary_relations()
        )
        return self.annotate(in_use=reduce(or_, conditions))


def dictionary_relations() -> list[Any]:
    """Return every relation of any model to the dictionary, of foreign keys and many-to-many fields alike."""
    relations = DictionaryEntry._meta.get_fields(include_hidden=True)
    return [
        relation
        for relation in relations
        if isinstance(relation, models.ForeignObjectRel) and not relation.related_model._meta.auto_created
    ]


class DictionaryEntry(models.Model):
    category = models.CharField("类别", max_length=50)
    item = models.CharField("条目", max_length=50)
    value = models.CharField("值", max_length=50)
    is_editable = models.BooleanField("是否可编辑", default=True)
    version = models.PositiveIntegerField(default=0, editable=False)

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

    def get_absolute_url(self) -> str:
        return record_url("basedata:dictionary_detail", self.pk)

    @creation("basedata.add_dictionaryentry", "新建", refusal="您的角色不能新建字典条目")
    @classmethod
    def create(cls, *, by: Actor, **values: Any) -> DictionaryEntry:
        """Return a new entry, saved with its audit row."""
        entry = cls(**values)
        entry.save()
        log_event(by, "新建", entry, 类别=entry.category, 值=entry.value, 是否可编辑=entry.is_editable)
        return entry

    @transition("basedata.change_dictionaryentry", "编辑", refusal="您的角色不能修改数据字典")
    def edit(self, *, by: Actor, **values: Any) -> None:
        self.check_category(values.get("category", self.category)).enforce()
        save_changes(by, "编辑", self, **values)

    @edit.guard
    def can_edit(self, by: Actor) -> Verdict:
        return self._refuse_fixed("修改")

    @transition("basedata.delete_dictionaryentry", "删除", refusal="您的角色不能删除字典条目")
    def remove(self, *, by: Actor) -> None:
        log_event(by, "删除", self, 类别=self.category, 值=self.value)
        self.delete()

    @remove.guard
    def can_remove(self, by: Actor) -> Verdict:
        """Refuse entries in use; on rows of with_use() without numbers, as a list does not count."""
        return first_objection(self._refuse_fixed("删除"), self._refuse_used("删除"))

    def uses(self) -> list[tuple[str, str]]:
        """Return where and how often the entry is used, by deleted records too: [("客户（地区）", "12")]."""
        relations = dictionary_relations()
        rows = (relation.related_model._base_manager.filter(**{relation.field.name: self}) for relation in relations)
        counts = count_capped((queryset, MAX_COUNT + 1) for queryset in rows)
        return [
            (f"{relation.related_model._meta.verbose_name}（{relation.field.verbose_name}）", format_count(count))
            for relation, count in zip(relations, counts, strict=True)
            if count
        ]

    def check_category(self, category: str) -> Verdict:
        """Refuse another category for an entry in use: the records that chose it offer only their own category."""
        return ALLOWED if category == self.category else self._refuse_used("换到别的类别")

    def _refuse_fixed(self, verb: str) -> Verdict:
        return refuse_if(not self.is_editable, f"这是固定条目（是否可编辑：否），不能{verb}。")

    def _refuse_used(self, verb: str) -> Verdict:
        in_use = getattr(self, "in_use", None)  # set by with_use()
        if in_use is not None:
            return refuse_if(in_use, f"正在使用，不能{verb}。")
        uses = "、".join(f"{model}{count} 条" for model, count in self.uses())
        return refuse_if(bool(uses), f"正在使用：{uses}，不能{verb}。")


def entry_field(category: str, label: str, **options: Any) -> models.ForeignKey:
    """Return a foreign key to one category of the dictionary; an entry in use cannot be deleted."""
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
    """Return numbers like KH071202001: prefix, yymmdd in Shanghai, at least three digits of running number.

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
