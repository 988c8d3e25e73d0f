from .handover import hand_over_requests
from .leaving import count_open_requests, hand_over_all_requests
from .marks import ServiceChange, forget_old_marks
from .of_customers import customers_served_by, requests_of, set_owner
from .parts import Draft, FormerLink, GivenBy, ServiceHelper, ServiceNote, ServiceRound
from .request import NUMBER_PREFIX, ServiceRequest
from .rounds import COMPLAINT
from .rows import ServiceRequestQuerySet, assignment_access
from .target import ServiceTarget

__all__ = [
    "COMPLAINT",
    "NUMBER_PREFIX",
    "Draft",
    "FormerLink",
    "GivenBy",
    "ServiceChange",
    "ServiceHelper",
    "ServiceNote",
    "ServiceRequest",
    "ServiceRequestQuerySet",
    "ServiceRound",
    "ServiceTarget",
    "assignment_access",
    "count_open_requests",
    "customers_served_by",
    "forget_old_marks",
    "hand_over_all_requests",
    "hand_over_requests",
    "requests_of",
    "set_owner",
]
