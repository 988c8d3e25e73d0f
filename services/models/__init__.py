from .parts import Draft, GivenBy, ServiceHelper, ServiceNote, ServiceRound
from .request import NUMBER_PREFIX, ServiceRequest
from .rows import ServiceRequestQuerySet, ties_of

__all__ = [
    "NUMBER_PREFIX",
    "Draft",
    "GivenBy",
    "ServiceHelper",
    "ServiceNote",
    "ServiceRequest",
    "ServiceRequestQuerySet",
    "ServiceRound",
    "ties_of",
]
