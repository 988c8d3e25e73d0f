"""The app's models, for Django and for everybody else."""

from .administration.administrators import check_not_last_administrator, check_role_change
from .administration.department import Department, DepartmentQuerySet, descendants, subtree_ids
from .administration.role import Role, RoleQuerySet, Scope
from .administration.user import CrmUserManager, RolePermission, User, UserQuerySet
from .notification import Notification, in_view, notify, notify_many
from .sessions import UserSession

__all__ = [
    "CrmUserManager",
    "Department",
    "DepartmentQuerySet",
    "Notification",
    "Role",
    "RolePermission",
    "RoleQuerySet",
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
