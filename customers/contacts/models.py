"""Contact persons of a customer."""

from __future__ import annotations

import re
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.contact_details.masking import HasContactDetails, detail_permissions
from accounts.models import User
from accounts.scopes.rule import EDIT, scope_includes
from customers.querysets import OfCustomersQuerySet
from customers.records.locks import lock_current_customers
from customers.records.models import Customer, CustomerQuerySet
from customers.timeline import TimelineEntry, add_timeline_entry
from kit.audit.log import log_event, save_changes
from kit.domain.folding import fold_number, fold_width, looks_like_number
from kit.domain.masking import refuse_masked
from kit.domain.shortened_numbers import refuse_shortened
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope
from kit.sql.transactions import in_transaction
from kit.transitions import creation, transition
from kit.undo.journal import Journal
from kit.undo.models import UndoEntry

from .search_text import write_contact_texts

PERSONAL_DATA_PERMISSION = "customers.handle_personal_data"
ERASED_NAME = "已抹去的联系人"
WECHAT_PART = re.compile(r"[\w-]{5,}", re.ASCII)  # shorter ones are in too many
WAYS = ("mobile", "office_phone", "wechat", "email")  # to reach a contact, of which the form asks for one
CONTACT_TEXTS = ("name", "gender", "position", "role", *WAYS, "preferred_channel", "note")  # what is erased
# They stand in the journal.
CONTACT_REMOVED, CONTACTS_REMOVED, CONTACTS_REFUSED = (
    "customers.contact_removed", "customers.contacts_removed", "customers.contacts_refused",
)  # fmt: skip


class ContactQuerySet(OfCustomersQuerySet["Contact"]):
    view_permission = CustomerQuerySet.view_permission

    def detailed_for(self, user: User) -> ContactQuerySet:
        """Return the contacts whose numbers the user sees in full."""
        return self.filter(customer__in=Customer.objects.detailed_for(user))

    def found_by_wechat(self, text: str, by: User) -> ContactQuerySet:
        """Return the contacts with this 微信号, or a long part of it, whose details the user sees in full."""
        if not (by.has_perm(detail_permissions().see) and WECHAT_PART.fullmatch(fold_width(text))):
            return self.none()
        return self.detailed_for(by).filter(wechat__contains_text=text)


class Contact(HasContactDetails):
    class Gender(models.TextChoices):
        MALE = "male", "男"
        FEMALE = "female", "女"

    class Role(models.TextChoices):
        """What the contact does when their organisation buys."""

        DECIDER = "decider", "决策人"
        INFLUENCER = "influencer", "影响者"
        USER = "user", "使用者"
        BUYER = "buyer", "采购"
        ENGINEER = "engineer", "技术"
        GATEKEEPER = "gatekeeper", "把关人"

    class Channel(models.TextChoices):
        OFFICE = "office", "办公电话"
        MOBILE = "mobile", "手机"
        WECHAT = "wechat", "微信"
        EMAIL = "email", "邮箱"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts", verbose_name="客户")
    name = models.CharField("姓名", max_length=50)
    gender = models.CharField("性别", max_length=6, choices=Gender, blank=True)
    position = models.CharField("职位", max_length=50, blank=True)
    role = models.CharField("角色", max_length=10, choices=Role, blank=True)
    office_phone = models.CharField("办公电话", max_length=50, blank=True, validators=[refuse_masked, refuse_shortened])
    mobile = models.CharField("手机", max_length=50, blank=True, validators=[refuse_masked, refuse_shortened])
    wechat = models.CharField("微信号", max_length=50, blank=True, validators=[refuse_masked, refuse_shortened])
    email = models.EmailField("邮箱", blank=True, validators=[refuse_masked])
    preferred_channel = models.CharField("首选联系方式", max_length=10, choices=Channel, blank=True)
    is_primary = models.BooleanField("主要联系人", default=False)
    note = models.TextField("备注", max_length=300, blank=True)
    do_not_contact = models.BooleanField("请勿联系", default=False, help_text="对方要求不再联系")
    erased_at = models.DateTimeField("抹去时间", null=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    detail_fields = WAYS
    text_indexed, number_indexed = ("name", "wechat"), ("office_phone", "mobile")
    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = "联系人"
        verbose_name_plural = "联系人"
        ordering = ["-is_primary", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(is_primary=True), name="customers_one_primary_contact"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)
            write_contact_texts([self.customer_id])

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic(savepoint=False):
            deleted = super().delete(*args, **kwargs)
            write_contact_texts([self.customer_id])
        return deleted

    def get_absolute_url(self) -> str:
        return self.customer.get_absolute_url()

    @property
    def filled_ways(self) -> list[tuple[str, str]]:
        """Return (field, label) of the ways to reach the contact, the preferred one first."""
        preferred = "office_phone" if self.preferred_channel == self.Channel.OFFICE else self.preferred_channel
        names = sorted((name for name in WAYS if getattr(self, name)), key=lambda name: name != preferred)
        return [(name, str(self._meta.get_field(name).verbose_name)) for name in names]  # type: ignore[union-attr]

    @property
    def numbers(self) -> list[str]:
        """Return what may be rung; a 微信号 often is a mobile number."""
        texts = [self.mobile, self.office_phone, self.wechat if looks_like_number(self.wechat) else ""]
        return [text for text in texts if fold_number(text)]

    def locked_parent(self) -> Customer:
        return self.customer

    def get_detail_url(self, name: str) -> str:
        return reverse("customers:contact_show", args=[self.customer_id, self.pk, name])

    @property
    def may_be_contacted(self) -> bool:
        return not self.do_not_contact

    def shows_details_to(self, by: User) -> bool:
        return self.customer.shows_details_to(by)

    @creation("customers.change_customer", "新建", refusal="您的角色不能修改客户")
    @classmethod
    def create(cls, *, by: User, customer: Customer, **values: Any) -> Contact:
        """Create a contact and its audit row."""
        lock_current_customers(customer, by=by)
        customer.can_contribute(by).enforce()
        return cls.add(by=by, customer=customer, **values)

    @classmethod
    @in_transaction
    def add(cls, *, by: User, customer: Customer, **values: Any) -> Contact:
        """Like create(), for callers that created or locked the customer and checked the permission."""
        contact = cls(customer=customer, **values)
        if contact.is_primary:
            contact.unset_other_primary()
        contact.save()
        log_event(by, "新建", contact, 客户=customer)
        add_timeline_entry(customer, TimelineEntry.Kind.CUSTOMER, f"新增联系人 {contact.name}")
        return contact

    @transition("customers.change_customer", "编辑", refusal="您的角色不能修改客户")
    def edit(self, *, by: User, **values: Any) -> None:
        if values.get("is_primary"):
            self.unset_other_primary()
        save_changes(by, "编辑", self, **values)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return first_objection(
            self.customer.can_contribute(by), refuse_if(self.erased_at is not None, "个人信息已抹去，不能再修改。")
        )

    @transition("customers.change_customer", "删除", refusal="您的角色不能修改客户")
    def remove(self, *, by: User) -> UndoEntry | None:
        """Delete the contact; return what takes it back. Their interactions stay, without them."""
        journal, text = Journal(), f"联系人 {self.name}"
        journal.watch_deletion(self)
        self.discard(by=by)
        return journal.keep(CONTACT_REMOVED, "删除", text, by=by, about=self.customer)

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return self.customer.can_edit(by)

    @in_transaction
    def discard(self, *, by: User) -> None:
        """Like remove(), for callers that locked the contact, asked the guard and keep what takes it back."""
        log_event(by, "删除", self, 客户=self.customer)
        self.delete()

    @transition(PERSONAL_DATA_PERMISSION, "抹去", refusal="您的角色不能处理个人信息")
    def erase(self, *, by: User) -> None:
        """Empty the row. Texts of others on the person are erased by crm/privacy.py, which calls this."""
        for name in CONTACT_TEXTS:
            setattr(self, name, "")
        self.name, self.erased_at, self.do_not_contact, self.is_primary = ERASED_NAME, timezone.now(), True, False
        self.version += 1
        self.save()

    @erase.guard
    def can_erase(self, by: User) -> Verdict:
        return first_objection(
            require_scope(
                scope_includes(by, PERSONAL_DATA_PERMISSION, EDIT, self.customer.manager_id),
                f"只有客户经理（{self.customer.manager}）的主管可以处理这位联系人的个人信息。",
            ),
            refuse_if(self.erased_at is not None, "这位联系人的个人信息已经抹去。"),
        )

    def unset_other_primary(self) -> None:
        """Make room for this contact as the only primary one."""
        Contact.objects.filter(customer=self.customer, is_primary=True).exclude(pk=self.pk).update(is_primary=False)
