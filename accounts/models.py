"""The app's models, for Django and for everybody else."""

from .departments.models import Department, DepartmentQuerySet, descendants, subtree_ids
from .list_views.models import SavedView, SavedViewQuerySet
from .notifications.models import Notification, in_view, notify, notify_many
from .roles.administrators import check_not_last_administrator, check_role_change
from .roles.models import Role, RoleQuerySet, Scope
from .sessions.models import UserSession
from .users.department_moves import DepartmentHistory, DepartmentMove
from .users.models import CrmUserManager, RolePermission, User
from .users.queryset import UserQuerySet

__all__ = [
    "CrmUserManager",
    "Department",
    "DepartmentHistory",
    "DepartmentMove",
    "DepartmentQuerySet",
    "Notification",
    "Role",
    "RolePermission",
    "RoleQuerySet",
    "SavedView",
    "SavedViewQuerySet",
    "Scope",
    "User",
    "UserQuerySet",
    "UserSession",
    "check_not_last_administrator",
    "check_role_change",
    "descendants",
    "in_view",
    "notify",
    "notify_many",
    "subtree_ids",
]
