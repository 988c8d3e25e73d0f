"""Accounts, rights, sign-in, notifications and the trail: who gets what, and what the world has of them."""

from __future__ import annotations

from accounts.models import Role, SavedView, UserSession, notify
from kit.audit.models import AuditEntry
from tests import factories
from tests.permissions.world import World

TABLE = """
address                          record    verb  anon admi supe mana coll east stra outs exec nobo
login                            -         GET   200  302  302  302  302  302  302  302  302  302
login                            -         POST  200  302  302  302  302  302  302  302  302  302
setup                            -         GET   404  404  404  404  404  404  404  404  404  404
setup                            -         POST  404  404  404  404  404  404  404  404  404  404
notifications                    -         GET   in   200  200  200  200  200  200  200  200  200
notifications                    -         POST  in   405  405  405  405  405  405  405  405  405
notifications_mail               -         GET   in   405  405  405  405  405  405  405  405  405
notifications_mail               -         POST  in   302  302  302  302  302  302  302  302  302
notifications_read               -         GET   in   405  405  405  405  405  405  405  405  405
notifications_read               -         POST  in   302  302  302  302  302  302  302  302  302
notification_open                note      GET   in   405  405  405  405  405  405  405  405  405
notification_open                note      POST  in   404  404  302  404  404  404  404  404  404
accounts:password                -         GET   in   200  200  200  200  200  200  200  200  200
accounts:password                -         POST  in   302  302  302  302  302  302  302  302  302
accounts:theme                   -         GET   in   405  405  405  405  405  405  405  405  405
accounts:theme                   -         POST  in   302  302  302  302  302  302  302  302  302
accounts:density                 -         GET   in   405  405  405  405  405  405  405  405  405
accounts:density                 -         POST  in   302  302  302  302  302  302  302  302  302
login_code                       -         GET   in   in   in   in   in   in   in   in   in   in
login_code                       -         POST  in   in   in   in   in   in   in   in   in   in
accounts:profile                 -         GET   in   200  200  200  200  200  200  200  200  200
accounts:profile                 -         POST  in   405  405  405  405  405  405  405  405  405
accounts:profile_edit            -         GET   in   200  200  200  200  200  200  200  200  200
accounts:profile_edit            -         POST  in   302  302  302  302  302  302  302  302  302
accounts:session_end             place_in  GET   in   405  405  405  405  405  405  405  405  405
accounts:session_end             place_in  POST  in   404  404  302  404  404  404  404  404  404
accounts:session_end_others      -         GET   in   405  405  405  405  405  405  405  405  405
accounts:session_end_others      -         POST  in   302  302  302  302  302  302  302  302  302
accounts:second_factor_on        -         GET   in   200  200  200  200  200  200  200  200  200
accounts:second_factor_on        -         POST  in   200  200  200  200  200  200  200  200  200
accounts:second_factor_off       -         GET   in   409  409  409  409  409  409  409  409  409
accounts:second_factor_off       -         POST  in   409  409  409  409  409  409  409  409  409
accounts:recovery_codes          -         GET   in   409  409  409  409  409  409  409  409  409
accounts:recovery_codes          -         POST  in   409  409  409  409  409  409  409  409  409

accounts:view_create             a_list    GET   in   200  200  200  200  200  200  200  200  200
accounts:view_create             a_list    POST  in   302  302  302  302  302  302  302  302  302
accounts:view_create             no_list   GET   in   404  404  404  404  404  404  404  404  404
accounts:view_create             no_list   POST  in   404  404  404  404  404  404  404  404  404
accounts:view_choose             a_list    GET   in   405  405  405  405  405  405  405  405  405
accounts:view_choose             a_list    POST  in   302  302  302  302  302  302  302  302  302
accounts:view_update             own_view  GET   in   404  404  200  404  404  404  404  404  404
accounts:view_update             own_view  POST  in   404  404  302  404  404  404  404  404  404
accounts:view_update             lent_view  GET  in   404  404  200  403  404  404  404  404  404
accounts:view_update             lent_view  POST  in  404  404  302  403  404  404  404  404  404
accounts:view_replace            own_view  GET   in   404  404  200  404  404  404  404  404  404
accounts:view_replace            own_view  POST  in   404  404  302  404  404  404  404  404  404
accounts:view_replace            lent_view  POST  in  404  404  302  403  404  404  404  404  404
accounts:view_delete             own_view  GET   in   404  404  200  404  404  404  404  404  404
accounts:view_delete             own_view  POST  in   404  404  302  404  404  404  404  404  404
accounts:view_delete             lent_view  POST  in  404  404  302  403  404  404  404  404  404

accounts:user_list               -         GET   in   200  403  403  403  403  403  403  403  403
accounts:user_list               -         POST  in   405  405  405  405  405  405  405  405  405
accounts:user_create             -         GET   in   200  403  403  403  403  403  403  403  403
accounts:user_create             -         POST  in   200  403  403  403  403  403  403  403  403
accounts:user_detail             person    GET   in   200  404  404  404  404  404  404  404  404
accounts:user_detail             person    POST  in   405  405  405  405  405  405  405  405  405
accounts:user_history            person    GET   in   200  404  404  404  404  404  404  404  404
accounts:user_history            person    POST  in   405  405  405  405  405  405  405  405  405
accounts:user_update             person    GET   in   200  404  404  404  404  404  404  404  404
accounts:user_update             person    POST  in   302  404  404  404  404  404  404  404  404
accounts:user_reset_password     person    GET   in   200  404  404  404  404  404  404  404  404
accounts:user_reset_password     person    POST  in   200  404  404  404  404  404  404  404  404
accounts:user_unlock             person    GET   in   409  404  404  404  404  404  404  404  404
accounts:user_unlock             person    POST  in   409  404  404  404  404  404  404  404  404
accounts:user_enable             left      GET   in   200  404  404  404  404  404  404  404  404
accounts:user_enable             left      POST  in   302  404  404  404  404  404  404  404  404
accounts:user_enable             person    POST  in   409  404  404  404  404  404  404  404  404
accounts:user_end_sessions       person    GET   in   200  404  404  404  404  404  404  404  404
accounts:user_end_sessions       person    POST  in   302  404  404  404  404  404  404  404  404
accounts:user_reset_second_factor  person  GET   in   409  404  404  404  404  404  404  404  404
accounts:user_reset_second_factor  person  POST  in   409  404  404  404  404  404  404  404  404
accounts:role_list               -         GET   in   200  403  403  403  403  403  403  403  403
accounts:role_list               -         POST  in   405  405  405  405  405  405  405  405  405
accounts:role_create             -         GET   in   200  403  403  403  403  403  403  403  403
accounts:role_create             -         POST  in   302  403  403  403  403  403  403  403  403
accounts:role_detail             role      GET   in   200  404  404  404  404  404  404  404  404
accounts:role_detail             role      POST  in   405  405  405  405  405  405  405  405  405
accounts:role_history            role      GET   in   200  404  404  404  404  404  404  404  404
accounts:role_history            role      POST  in   405  405  405  405  405  405  405  405  405
accounts:role_update             role      GET   in   200  404  404  404  404  404  404  404  404
accounts:role_update             role      POST  in   302  404  404  404  404  404  404  404  404
accounts:role_update             own_role  GET   in   403  404  404  404  404  404  404  404  404
accounts:role_update             own_role  POST  in   403  404  404  404  404  404  404  404  404
accounts:role_copy               role      GET   in   200  404  404  404  404  404  404  404  404
accounts:role_copy               role      POST  in   302  404  404  404  404  404  404  404  404
accounts:role_retire             role      GET   in   200  404  404  404  404  404  404  404  404
accounts:role_retire             role      POST  in   302  404  404  404  404  404  404  404  404
accounts:role_reopen             role      GET   in   409  404  404  404  404  404  404  404  404
accounts:role_reopen             role      POST  in   409  404  404  404  404  404  404  404  404
accounts:role_delete             role      GET   in   200  404  404  404  404  404  404  404  404
accounts:role_delete             role      POST  in   302  404  404  404  404  404  404  404  404
accounts:role_delete             own_role  POST  in   409  404  404  404  404  404  404  404  404
accounts:department_list         -         GET   in   200  403  403  403  403  403  403  403  403
accounts:department_list         -         POST  in   405  405  405  405  405  405  405  405  405
accounts:department_create       -         GET   in   200  403  403  403  403  403  403  403  403
accounts:department_create       -         POST  in   302  403  403  403  403  403  403  403  403
accounts:department_update       place     GET   in   200  404  404  404  404  404  404  404  404
accounts:department_update       place     POST  in   302  404  404  404  404  404  404  404  404
accounts:department_delete       place     GET   in   200  404  404  404  404  404  404  404  404
accounts:department_delete       place     POST  in   302  404  404  404  404  404  404  404  404
accounts:department_delete       taken     POST  in   409  404  404  404  404  404  404  404  404
accounts:audit_list               -         GET   in   200  403  403  403  403  403  403  403  403
accounts:audit_list               -         POST  in   405  405  405  405  405  405  405  405  405
accounts:audit_detail             deed      GET   in   200  404  404  404  404  404  404  404  404
accounts:audit_detail             deed      POST  in   405  405  405  405  405  405  405  405  405
accounts:audit_verify             -         GET   in   405  405  405  405  405  405  405  405  405
accounts:audit_verify             -         POST  in   302  403  403  403  403  403  403  403  403
"""
WRITING: set[tuple[str, str]] = {
    ("accounts:user_create", "200"),
    ("accounts:user_reset_password", "200"),
}  # the pages with the one-time password


def make(world: World) -> None:
    """Add a person, one who left, roles, departments, a sign-in elsewhere, a notification and a row of the trail."""
    company, manager = world.company, world.company.manager
    notify(manager, "机会「压力变送器」指派给您", world.assigned)
    own, lent = (
        SavedView.create(by=manager, page="customers:customer_list", name=name, query="sort=number", shared=shared)
        for name, shared in (("自用", False), ("共用", True))
    )
    world.addresses |= {
        "a_list": ["customers:customer_list"],
        "no_list": ["customers:customer_create"],
        "own_view": [own.pk],
        "lent_view": [lent.pk],
        "note": [manager.notifications.latest("pk").pk],
        "person": [factories.person("account_manager", name="新同事").pk],
        "left": [factories.person("account_manager", name="离职者", is_active=False).pk],
        "role": [Role.objects.create(name="自建角色").pk],
        "own_role": [Role.objects.get(code="administrator").pk],
        "place": [factories.DepartmentFactory(name="空部门").pk],
        "taken": [company.north.pk],
        "place_in": [UserSession.objects.create(user=manager, session_key="another").pk],
        "deed": [AuditEntry.objects.about(world.assigned)[0].pk],
    }
    world.values |= {
        "theme": "dark",
        "density": "roomy",
        "username": "xinming",
        "view_scope": "self",
        "edit_scope": "self",
        "old_password": "a-long-passphrase",
        "new_password1": "another-passphrase",
        "new_password2": "another-passphrase",
    }
