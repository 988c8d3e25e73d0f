"""Views that demo people saved of their lists: one's own, the department's, and the one a list opens with."""

from __future__ import annotations

from urllib.parse import urlencode

from accounts.list_views.models import SavedView
from accounts.models import User
from basedata.models import DictionaryEntry

CUSTOMERS, CHANCES = "customers:customer_list", "marketing:opportunity_list"


def save_views(cast: dict[str, User]) -> None:
    supervisor, manager = cast["zhuguan"], cast["xiaoming"]
    north = DictionaryEntry.objects.get(category="地区", item="华北").pk
    quiet_north = urlencode({"status": "normal", "region": north, "talked": "over-30", "sort": "last_interaction_on"})
    SavedView.create(by=supervisor, page=CUSTOMERS, name="华北久未联系", query=quiet_north, shared=True)
    recent = urlencode({"status": "normal", "talked": "within-30", "sort": "name_pinyin"})
    chosen = SavedView.create(by=manager, page=CUSTOMERS, name="最近谈过的", query=recent)
    SavedView.create(by=manager, page=CUSTOMERS, name="石家庄", query=urlencode({"status": "all", "words": "石家庄"}))
    manager.choose_list_view(CUSTOMERS, str(chosen.pk), chosen.name, by=manager)
    big = urlencode({"sort": "-expected_amount"})
    SavedView.create(by=supervisor, page=CHANCES, name="金额从大到小", query=big, shared=True)
