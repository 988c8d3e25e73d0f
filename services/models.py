from .requests.change_marks import ServiceChange, forget_old_marks
from .requests.handover import hand_over_requests
from .requests.leaving import count_open_requests, hand_over_all_requests
from .requests.models import NUMBER_PREFIX, ServiceRequest
from .requests.notes import Draft, ServiceHelper, ServiceNote
from .requests.of_customers import customers_served_by, requests_of, set_owner
from .requests.querysets import ServiceRequestQuerySet, assignment_access
from .requests.related_models import FormerLink, GivenBy, ServiceRound
from .requests.rounds import COMPLAINT
from .targets.models import ServiceTarget

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
