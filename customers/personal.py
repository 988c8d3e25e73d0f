"""Personal data of a contact, model by model, to be shown on request and erased.

Every text field of this app is listed in PARTS or in IMPERSONAL; a test compares both with the models. Each app above
has a module like this one, and crm/privacy.py walks through them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q

from accounts.models import Notification
from kit.audit.models import AuditEntry
from kit.audit.redaction import ERASED_TEXT
from kit.domain.folding import looks_like_number
from kit.sql.streaming import stream_records
from kit.sql.transactions import in_transaction

from .churn.models import ChurnCase, ChurnMeasure
from .contacts.models import CONTACT_TEXTS, ERASED_NAME, WAYS, Contact
from .imports.arrivals import Arrival
from .imports.models import ImportFile
from .insight.models import AlertPause
from .interactions.models import Attachment, Interaction
from .orders.models import Order, OrderLine, ParkedOrder
from .records.fields import IMPERSONAL_NAMES, PERSONAL_NAMES
from .records.models import Customer, Ownership
from .records.search_text import FormerName, SearchText
from .timeline import TimelineEntry

# Shorter words may mean anything.
MIN_NAME_LENGTH = 2
MIN_DIGITS = 7
MIN_WECHAT_LENGTH = 6


class ContactWords:
    """Search for a contact in free text by name, numbers, e-mail and 微信号, present and former ones."""

    def __init__(self, names: Iterable[str], numbers: Iterable[str], wechats: Iterable[str] = ()) -> None:
        self.names = {name.strip() for name in names if len(name.strip()) >= MIN_NAME_LENGTH}
        self.numbers = {number.strip() for number in numbers if "@" in number or len(only_digits(number)) >= MIN_DIGITS}
        self.wechats = {wechat.strip() for wechat in wechats if len(wechat.strip()) >= MIN_WECHAT_LENGTH}
        parts = [*map(number_pattern, self.numbers), *map(wechat_pattern, self.wechats), *map(re.escape, self.names)]
        self.pattern = re.compile("|".join(sorted(parts, key=len, reverse=True)), re.IGNORECASE) if parts else None

    @classmethod
    def of(cls, contact: Contact) -> ContactWords:
        values = {name: {getattr(contact, name)} for name in ("name", *WAYS)}
        labels = {str(Contact._meta.get_field(name).verbose_name): name for name in values}  # type: ignore[union-attr]
        for entry in AuditEntry.objects.about(contact):
            for label in labels.keys() & entry.changes.keys():
                values[labels[label]].update(value for value in entry.changes[label] if value)  # before and after
        wechats = values["wechat"]
        numbers = values["mobile"] | values["office_phone"] | values["email"] | set(filter(looks_like_number, wechats))
        # The customer's own numbers are not personal.
        shared = {only_digits(contact.customer.phone), only_digits(contact.customer.fax)}
        own = (n for n in numbers if n == contact.mobile or "@" in n or only_digits(n) not in shared)
        return cls(values["name"] - {ERASED_NAME}, own, wechats)

    def without_names(self) -> ContactWords:
        return ContactWords((), self.numbers, self.wechats)

    def only_numbers(self) -> ContactWords:
        """Return what stands for nobody else anywhere; a 微信号 of letters may be a colleague's user name."""
        return ContactWords((), self.numbers)

    def all(self) -> list[str]:
        """Return all spellings that may be stored, for a first query."""
        digits = {only_digits(number) for number in self.numbers if "@" not in number}
        return sorted(self.names | self.numbers | self.wechats | digits)

    def found_in(self, text: Any) -> bool:
        """Return whether a value contains one of the words. text: any value, such as the JSON of a draft."""
        return bool(self.pattern and self.pattern.search(str(text)))

    def erase(self, text: str) -> str:
        return self.pattern.sub(ERASED_TEXT, text) if self.pattern else text

    def erase_in(self, value: Any, limit: int | None = None) -> Any:
        """Erase the words in any value, such as the JSON of a draft. limit: maximum length of a text."""
        if isinstance(value, dict):
            return {key: self.erase_in(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.erase_in(inner) for inner in value]
        return self.erase(value)[:limit] if isinstance(value, str) else value


def only_digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def number_pattern(number: str) -> str:
    """Return a regex for the number, however its digits are grouped, or for an e-mail address."""
    return re.escape(number) if "@" in number else r"[\s\-]?".join(only_digits(number))


def wechat_pattern(wechat: str) -> str:
    """Return a regex for the whole 微信号, not for the beginning of a longer one."""
    return rf"(?<![A-Za-z0-9_-]){re.escape(wechat)}(?![A-Za-z0-9_-])"


@dataclass(frozen=True)
class PersonalDataSource:
    """One model whose rows may name a contact.

    rows: the rows to search; texts: fields that may name people; columns: fields of the export.
    linked: whether a row belongs to the contact whatever its texts say; blanked: fields emptied on linked rows.
    """

    title: str
    model: type[models.Model]
    rows: Callable[[Contact], models.QuerySet[Any]]
    texts: tuple[str, ...]
    columns: tuple[str, ...]
    linked: Callable[[Any, Contact], bool] = lambda row, contact: False
    blanked: tuple[str, ...] = ()
    erasable: bool = True

    def held(self, contact: Contact, words: ContactWords) -> Iterator[Any]:
        """Yield the rows that are about the contact or name them, without those of a namesake."""
        has_namesake = contact.customer.contacts.filter(name__in=words.names).exclude(pk=contact.pk).exists()
        search_words = words.without_names() if has_namesake else words
        for row in stream_records(self.rows(contact)):
            if self.linked(row, contact) or any(search_words.found_in(getattr(row, name)) for name in self.texts):
                yield row

    @in_transaction
    def erase(self, contact: Contact, words: ContactWords) -> int:
        """Erase the words in the rows; return how many changed."""
        return sum(self._erase_row(row, contact, words) for row in list(self.held(contact, words)))

    def _erase_row(self, row: Any, contact: Contact, words: ContactWords) -> bool:
        changes: dict[str, Any] = {}
        for name in self.texts:
            max_length = getattr(self.model._meta.get_field(name), "max_length", None)
            old = getattr(row, name)
            is_blanked = name in self.blanked and self.linked(row, contact)
            new = "" if is_blanked else words.erase_in(old, max_length)
            if new != old:
                changes[name] = new
        if not changes:
            return False
        if hasattr(row, "version"):  # so that open edit forms notice
            changes["version"] = row.version + 1
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=[*changes, *getattr(row, "derived_fields", ())])
        return True


def notifications_about(*querysets: models.QuerySet[Any]) -> Q:
    """Match notifications that link to one of these records."""
    condition = Q(pk=None)
    for rows in querysets:
        condition |= Q(content_type=ContentType.objects.get_for_model(rows.model), object_id__in=rows.values("pk"))
    return condition


def _notifications(contact: Contact) -> models.QuerySet[Notification]:
    customer = Customer.objects.filter(pk=contact.customer_id)
    return Notification.objects.filter(notifications_about(customer, contact.customer.churn_cases.all()))


CONTACT = PersonalDataSource(
    "联系人",
    Contact,
    lambda contact: Contact.objects.filter(pk=contact.pk),
    CONTACT_TEXTS,
    (*CONTACT_TEXTS, "is_primary", "do_not_contact"),
    linked=lambda row, contact: True,
    erasable=False,  # Contact.erase() does it
)
PARTS = (
    CONTACT,
    PersonalDataSource(
        "客户",
        Customer,
        lambda contact: Customer.objects.filter(pk=contact.customer_id),
        PERSONAL_NAMES,
        ("number", "name", *PERSONAL_NAMES),
    ),
    PersonalDataSource(
        "交往记录",
        Interaction,
        lambda contact: contact.customer.interactions.select_related("kind").order_by("on", "pk"),
        ("summary", "place", "note", "details"),
        ("on", "kind", "place", "summary", "note", "details", "follow_up_on"),
        linked=lambda row, contact: row.contact_id == contact.pk,
    ),
    PersonalDataSource(
        "附件",
        Attachment,
        lambda contact: (
            Attachment.objects.filter(interaction__customer=contact.customer)
            .select_related("interaction")
            .order_by("pk")
        ),
        ("name",),
        ("name", "content_type", "size", "uploaded_at"),
        linked=lambda row, contact: row.interaction.contact_id == contact.pk,
    ),
    PersonalDataSource(
        "客户流失",
        ChurnCase,
        lambda contact: contact.customer.churn_cases.order_by("pk"),
        ("lost_reason", "win_back_note"),
        ("opened_at", "lost_reason", "win_back_note"),
    ),
    PersonalDataSource(
        "暂缓措施",
        ChurnMeasure,
        lambda contact: ChurnMeasure.objects.filter(case__customer=contact.customer).order_by("pk"),
        ("text",),
        ("at", "text"),
    ),
    PersonalDataSource(
        "暂不提醒",
        AlertPause,
        lambda contact: contact.customer.alert_pauses.order_by("pk"),
        ("reason",),
        ("at", "until", "reason"),
    ),
    PersonalDataSource(
        "客户归属",
        Ownership,
        lambda contact: contact.customer.ownerships.order_by("pk"),
        ("reason",),
        ("since", "until", "reason"),
    ),
    PersonalDataSource(
        "客户动态",
        TimelineEntry,
        lambda contact: contact.customer.timeline.order_by("at", "pk"),
        ("text",),
        ("at", "kind", "text"),
    ),
    PersonalDataSource("通知", Notification, _notifications, ("text",), ("created_at", "text")),
    PersonalDataSource(
        "订单送货地址",
        Order,
        lambda contact: contact.customer.orders.order_by("pk"),
        ("address",),
        ("number", "ordered_at", "address"),
        erasable=False,  # copied from the sales system: to be corrected there
    ),
)
# Texts that never name a contact: numbers and names of organisations, types, URLs.
IMPERSONAL: dict[type[models.Model], tuple[str, ...]] = {
    Customer: IMPERSONAL_NAMES,
    Arrival: ("regions",),
    Attachment: ("file", "content_type"),
    FormerName: ("name",),
    Order: ("number", "customer_key"),
    OrderLine: ("product_number", "unit"),
    ParkedOrder: ("number", "customer_key", "content"),  # of no customer yet, copied from the sales system
    TimelineEntry: ("url",),
    ImportFile: ("file", "name", "notes"),  # stored for a week, visible to the uploader only
    SearchText: SearchText.derived_fields,  # written anew when a contact or its customer is
}  # fmt: skip
