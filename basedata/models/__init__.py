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

__all__ = [
    "DictionaryEntry",
    "FeedPosition",
    "MirrorNotice",
    "NumberSequence",
    "Product",
    "StockRecord",
    "SyncRefusal",
    "SyncRun",
    "data_as_of",
    "entry_field",
    "is_stale",
    "mirror_notice",
    "reserve_numbers",
]
