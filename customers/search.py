"""Customers and their lists in the global search: by name, number, code, contact, phone or pinyin."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from accounts.contact_details.masking import may_search_number
from accounts.models import User
from kit.domain.folding import fold_code, fold_width
from kit.sql.first_rows import first_rows

from .churn.models import ChurnCase
from .contacts.models import Contact
from .querysets import sounds_like
from .records.models import Customer

# Words for a state that people type instead of a name: both lead to the list of that state.
CHURN_STATES = {
    "客户流失": "all",
    "预警": "warning",
    "流失预警": "warning",
    "暂缓流失": "deferred",
    "确认流失": "confirmed",
    "确定流失": "confirmed",
    "已解除": "resolved",
    "已挽回": "won_back",
    "已合并": "merged",
}


def find_pages(user: User, text: str) -> list[tuple[str, str]]:
    """Return (words, URL) of the lists that the text names."""
    state = CHURN_STATES.get(fold_width(text))
    if state is None or not user.has_perm("customers.view_churncase"):
        return []
    label = dict(ChurnCase.Status.choices).get(state, "全部")
    return [(f"客户流失管理：{label}", f"{reverse('customers:churn_list')}?status={state}")]


def find_customers(user: User, text: str) -> list[Customer]:
    """Return the first customers in view that the text finds."""
    own = Q(name__contains_text=text) | Q(number__contains_text=text)
    key = fold_width(text)
    own |= Q(external_number__in={text, key, key.upper(), key.lower()})
    conditions = [own, Q(pk__in=Contact.objects.filter(name__contains_text=text).values("customer"))]
    # Names, numbers and codes of a merged customer find the one it became part of.
    coded = Q(license_number__in={text, fold_code(text)}) if any(sign.isdigit() for sign in text) else Q(pk__in=())
    merged = Customer.objects.filter(
        own | coded, merged_into__gt=0
    )  # as SQLite then goes through the few that were merged
    conditions += [coded, Q(pk__in=merged.values("merged_into"))]
    if sounds := sounds_like(text):
        conditions.append(sounds)
    if may_search_number(user, text):
        conditions += _numbers(user, text)
    conditions.append(Q(pk__in=Contact.objects.found_by_wechat(text, user).values("customer")))
    rows = Customer.objects.visible_to(user).select_related("manager", "level")
    return first_rows(rows.order_by("name_pinyin", "pk"), conditions)


def _numbers(user: User, text: str) -> list[Q]:
    """Conditions that find customers by a number of their own, of one merged into them, or of a contact."""
    own_numbers = Customer.objects.detailed_for(user).filter(phone__contains_number=text)
    former = Customer.objects.filter(merged_into__in=Customer.objects.detailed_for(user))
    contacts = Contact.objects.detailed_for(user)
    return [
        Q(pk__in=own_numbers.values("pk")),
        Q(pk__in=former.filter(phone__contains_number=text).values("merged_into")),
        Q(pk__in=contacts.filter(office_phone__contains_number=text).values("customer")),
        Q(pk__in=contacts.filter(mobile__contains_number=text).values("customer")),
    ]
