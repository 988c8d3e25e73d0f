"""Opportunities and their development: who gets what, and what the world has of them."""

from __future__ import annotations

from tests import factories
from tests.permissions.world import World, memory_of

TABLE = """
address                          record    verb  anon admi supe mana coll east stra outs exec nobo
marketing:opportunity_list       -         GET   in   403  200  200  200  200  200  200  200  403
marketing:opportunity_list       -         POST  in   405  405  405  405  405  405  405  405  405
marketing:opportunity_create     -         GET   in   403  200  200  200  200  200  200  403  403
marketing:opportunity_create     -         POST  in   403  302  302  302  302  302  302  403  403
marketing:opportunity_detail     new       GET   in   404  200  200  200  404  404  404  200  404
marketing:opportunity_detail     assigned  GET   in   404  200  200  200  404  404  404  200  404
marketing:opportunity_detail     closed    GET   in   404  200  200  200  404  404  404  200  404
marketing:opportunity_detail     new       POST  in   405  405  405  405  405  405  405  405  405
marketing:opportunity_history    assigned  GET   in   404  200  200  200  404  404  404  200  404
marketing:opportunity_history    assigned  POST  in   405  405  405  405  405  405  405  405  405
marketing:opportunity_update     new       GET   in   404  200  200  200  404  404  404  403  404
marketing:opportunity_update     new       POST  in   404  302  302  302  404  404  404  403  404
marketing:opportunity_update     assigned  GET   in   404  409  409  409  404  404  404  403  404
marketing:opportunity_update     assigned  POST  in   404  409  409  409  404  404  404  403  404
marketing:opportunity_update     closed    POST  in   404  409  409  409  404  404  404  403  404
marketing:opportunity_delete     new       GET   in   404  403  200  403  404  404  404  403  404
marketing:opportunity_delete     new       POST  in   404  403  302  403  404  404  404  403  404
marketing:opportunity_delete     assigned  POST  in   404  403  403  409  404  404  404  403  404
marketing:opportunity_delete     closed    POST  in   404  403  409  403  404  404  404  403  404
marketing:opportunity_assign     new       GET   in   404  200  403  403  404  404  404  403  404
marketing:opportunity_assign     new       POST  in   404  302  403  403  404  404  404  403  404
marketing:opportunity_assign     assigned  POST  in   404  409  403  403  404  404  404  403  404
marketing:opportunity_assign     closed    POST  in   404  409  403  403  404  404  404  403  404
marketing:known                  -         GET   in   405  405  405  405  405  405  405  405  405
marketing:known                  -         POST  in   403  200  200  200  200  200  200  403  403
marketing:assign_many            -         GET   in   403  302  403  403  403  403  302  403  403
marketing:assign_many            -         POST  in   403  409  403  403  403  403  409  403  403
marketing:reassign_many          -         GET   in   403  302  403  403  403  403  302  403  403
marketing:reassign_many          -         POST  in   403  409  403  403  403  403  409  403  403
marketing:postpone_many          -         GET   in   403  403  302  302  302  302  403  403  403
marketing:postpone_many          -         POST  in   403  403  200  200  200  200  403  403  403
marketing:opportunity_reassign   assigned  GET   in   404  200  403  403  404  404  404  403  404
marketing:opportunity_reassign   assigned  POST  in   404  302  403  403  404  404  404  403  404
marketing:opportunity_reassign   new       POST  in   404  409  403  403  404  404  404  403  404
marketing:opportunity_reassign   closed    POST  in   404  409  403  403  404  404  404  403  404
marketing:opportunity_forecast   assigned  GET   in   404  403  200  403  404  404  404  403  404
marketing:opportunity_forecast   assigned  POST  in   404  403  302  403  404  404  404  403  404
marketing:opportunity_forecast   closed    POST  in   404  403  409  409  404  404  404  403  404
marketing:opportunity_contact    assigned  GET   in   404  403  200  403  404  404  404  403  404
marketing:opportunity_contact    assigned  POST  in   404  403  302  403  404  404  404  403  404
marketing:opportunity_contact    closed    POST  in   404  403  409  409  404  404  404  403  404
marketing:opportunity_win        assigned  GET   in   404  403  200  403  404  404  404  403  404
marketing:opportunity_win        assigned  POST  in   404  403  302  403  404  404  404  403  404
marketing:opportunity_win        new       POST  in   404  403  409  409  404  404  404  403  404
marketing:opportunity_win        closed    POST  in   404  403  409  409  404  404  404  403  404
marketing:opportunity_lose       assigned  GET   in   404  403  200  403  404  404  404  403  404
marketing:opportunity_lose       assigned  POST  in   404  403  302  403  404  404  404  403  404
marketing:opportunity_lose       closed    POST  in   404  403  409  409  404  404  404  403  404
marketing:development_list       -         GET   in   403  200  200  200  200  200  200  200  403
marketing:development_list       -         POST  in   405  405  405  405  405  405  405  405  405
marketing:development_plan       assigned  GET   in   404  200  200  403  404  404  404  403  404
marketing:development_plan       assigned  POST  in   404  302  302  403  404  404  404  403  404
marketing:development_plan       closed    POST  in   404  409  409  409  404  404  404  403  404
marketing:development_execute    assigned  GET   in   404  403  200  403  404  404  404  403  404
marketing:development_execute    assigned  POST  in   405  405  405  405  405  405  405  405  405
marketing:development_execute    closed    GET   in   404  403  409  409  404  404  404  403  404
marketing:item_update            item      GET   in   404  200  200  403  404  404  404  403  404
marketing:item_update            item      POST  in   404  302  302  403  404  404  404  403  404
marketing:item_delete            item      GET   in   404  200  200  403  404  404  404  403  404
marketing:item_delete            item      POST  in   404  302  302  403  404  404  404  403  404
marketing:item_result            item      GET   in   404  403  200  403  404  404  404  403  404
marketing:item_result            item      POST  in   404  403  302  403  404  404  404  403  404

marketing:opportunity_share      assigned  GET   in   404  200  200  403  404  404  404  403  404
marketing:opportunity_share      assigned  POST  in   404  302  302  403  404  404  404  403  404
marketing:opportunity_share_withdraw  shared  GET   in   404  200  200  403  404  404  404  403  404
marketing:opportunity_share_withdraw  shared  POST  in   404  302  302  403  404  404  404  403  404

marketing:opportunity_show       caller    GET   in   404  200  200  200  404  404  404  403  404
marketing:opportunity_show       caller    POST  in   404  302  302  302  404  404  404  403  404
"""
WRITING: set[tuple[str, str]] = set()


def make(world: World) -> None:
    """Add an opportunity 未分配, one 已指派 with a plan item and a share, and one that is closed."""
    manager, supervisor = world.company.manager, world.company.supervisor
    world.new = factories.opportunity(manager)
    world.assigned = factories.assigned(world.company.colleague, supervisor, manager)
    world.item = factories.plan_item(world.assigned, manager)
    closed = factories.lost(manager, supervisor, manager)
    world.assigned.share(world.helper, by=supervisor, kind="view")
    world.addresses |= {
        "new": [world.new.pk],
        "assigned": [world.assigned.pk],
        "closed": [closed.pk],
        "item": [world.assigned.pk, world.item.pk],
        "caller": [world.assigned.pk, "contact_phone"],
        "shared": [world.assigned.pk, world.assigned.grants.get().pk],
    }
    world.values |= {
        **factories.OPPORTUNITY,
        "customer_name": "新的名称",
        "contact_phone": "024-7777 1234",
        "success_rate": "70",
        "opened": memory_of(world.assigned),
    }
    world.edited |= {
        "marketing:": world.new,
        "marketing:item_update": world.item,
        "marketing:item_result": world.item,
        "marketing:opportunity_forecast": world.assigned,
        "marketing:opportunity_contact": world.assigned,
    }
