from .dictionary import DictionaryEntry, NumberSequence, entry_field, reserve_numbers
from .mirror import FeedPosition, Product, StockRecord, SyncRefusal, SyncRun, data_as_of, is_stale

__all__ = [
    "DictionaryEntry",
    "FeedPosition",
    "NumberSequence",
    "Product",
    "StockRecord",
    "SyncRefusal",
    "SyncRun",
    "data_as_of",
    "entry_field",
    "is_stale",
    "reserve_numbers",
]
