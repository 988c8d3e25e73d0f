from .calendar.models import AnnouncedDay, SpecialDay, WorkCalendar, YearEntry, enter_year
from .dictionary.models import DictionaryEntry, NumberSequence, entry_field, reserve_numbers
from .mirror.models import (
    FeedPosition,
    MirrorNotice,
    Product,
    StockRecord,
    SyncRefusal,
    SyncRun,
    data_as_of,
    is_stale,
    mirror_notice,
)

__all__ = [
    "AnnouncedDay",
    "DictionaryEntry",
    "FeedPosition",
    "MirrorNotice",
    "NumberSequence",
    "Product",
    "SpecialDay",
    "StockRecord",
    "SyncRefusal",
    "SyncRun",
    "WorkCalendar",
    "YearEntry",
    "data_as_of",
    "enter_year",
    "entry_field",
    "is_stale",
    "mirror_notice",
    "reserve_numbers",
]
