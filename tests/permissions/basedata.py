"""基础数据 and the calendar: who gets what, and what the world has of them."""

from __future__ import annotations

from basedata.models import DictionaryEntry, SpecialDay
from tests import factories
from tests.permissions.world import World

TABLE = """
address                          record    verb  anon admi supe mana coll east stra outs exec nobo
basedata:dictionary_list         -         GET   in   200  200  200  200  200  200  200  403  403
basedata:dictionary_list         -         POST  in   405  405  405  405  405  405  405  405  405
basedata:dictionary_create       -         GET   in   200  403  403  403  403  403  403  403  403
basedata:dictionary_create       -         POST  in   302  403  403  403  403  403  403  403  403
basedata:dictionary_detail       entry     GET   in   200  200  200  200  200  200  200  404  404
basedata:dictionary_detail       entry     POST  in   405  405  405  405  405  405  405  405  405
basedata:dictionary_history      entry     GET   in   200  200  200  200  200  200  200  404  404
basedata:dictionary_history      entry     POST  in   405  405  405  405  405  405  405  405  405
basedata:dictionary_update       entry     GET   in   200  403  403  403  403  403  403  404  404
basedata:dictionary_update       entry     POST  in   302  403  403  403  403  403  403  404  404
basedata:dictionary_update       fixed     GET   in   409  403  403  403  403  403  403  404  404
basedata:dictionary_update       fixed     POST  in   409  403  403  403  403  403  403  404  404
basedata:dictionary_delete       entry     GET   in   200  403  403  403  403  403  403  404  404
basedata:dictionary_delete       entry     POST  in   302  403  403  403  403  403  403  404  404
basedata:dictionary_delete       fixed     POST  in   409  403  403  403  403  403  403  404  404
basedata:dictionary_delete       used      GET   in   409  403  403  403  403  403  403  404  404
basedata:dictionary_delete       used      POST  in   409  403  403  403  403  403  403  404  404
basedata:calendar                -         GET   in   200  200  200  200  200  200  200  403  403
basedata:calendar                -         POST  in   405  405  405  405  405  405  405  405  405
basedata:calendar_hours          -         GET   in   200  403  403  403  403  403  403  404  404
basedata:calendar_hours          -         POST  in   302  403  403  403  403  403  403  404  404
basedata:calendar_enter          -         GET   in   200  403  403  403  403  403  403  403  403
basedata:calendar_enter          -         POST  in   302  403  403  403  403  403  403  403  403
basedata:special_day_create      -         GET   in   200  403  403  403  403  403  403  403  403
basedata:special_day_create      -         POST  in   302  403  403  403  403  403  403  403  403
basedata:special_day_update      day       GET   in   200  403  403  403  403  403  403  404  404
basedata:special_day_update      day       POST  in   302  403  403  403  403  403  403  404  404
basedata:special_day_delete      day       GET   in   200  403  403  403  403  403  403  404  404
basedata:special_day_delete      day       POST  in   302  403  403  403  403  403  403  404  404
basedata:product_list            -         GET   in   200  200  200  200  200  200  200  200  403
basedata:product_list            -         POST  in   405  405  405  405  405  405  405  405  405
basedata:stock_list              -         GET   in   200  200  200  200  200  200  200  200  403
basedata:stock_list              -         POST  in   405  405  405  405  405  405  405  405  405
"""
WRITING: set[tuple[str, str]] = set()


CALENDAR = {
    "year": "2031",
    "source": "通知",
    "lines": "2031-01-01 休 元旦",
    "day": "2031-05-05",
    "kind": "rest",
    "weekdays": "12345",
    "morning_from": "08:30",
    "morning_to": "12:00",
    "afternoon_from": "13:00",
    "afternoon_to": "17:30",
}


def make(world: World) -> None:
    """Add an entry of a dictionary, one nobody edits, one in use, and a special day."""
    fixed = DictionaryEntry.objects.create(category="币种", item="人民币", value="1", is_editable=False)
    world.addresses |= {
        "entry": [factories.entry("竞争对手", "本地供应商").pk],
        "fixed": [fixed.pk],
        "used": [world.customer.region_id],
        "day": [SpecialDay.objects.create(day="2031-05-04", kind="rest", name="厂庆").pk],
    }
    world.values |= {"category": "竞争对手", "item": "新的条目", "value": "新的值", "is_editable": "on"}
    world.own_values |= {"basedata:calendar": CALENDAR, "basedata:special": CALENDAR}
