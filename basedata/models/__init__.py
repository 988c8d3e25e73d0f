from .dictionary import DictionaryEntry, NumberSequence, entry_field, reserve_numbers
from .mirror import (
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
from .workcalendar import Announced, Entered, SpecialDay, WorkCalendar, enter_year

__all__ = [
    "Announced",
    "DictionaryEntry",
    "Entered",
    "FeedPosition",
    "MirrorNotice",
    "NumberSequence",
    "Product",
    "SpecialDay",
    "StockRecord",
    "SyncRefusal",
    "SyncRun",
    "WorkCalendar",
    "data_as_of",
    "enter_year",
    "entry_field",
    "is_stale",
    "mirror_notice",
    "reserve_numbers",
]
