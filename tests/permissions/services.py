"""Service requests: who gets what, and what the world has of them."""

from __future__ import annotations

from tests import factories
from tests.permissions.world import World

TABLE = """
address                          record    verb  anon admi supe mana coll east stra outs exec nobo
services:targets                 -         GET   in   200  200  200  200  200  200  200  403  403
services:targets                 -         POST  in   409  403  403  403  403  403  403  403  403

services:request_create          -         GET   in   403  200  200  200  200  200  200  403  403
services:request_create          -         POST  in   403  302  302  302  302  302  302  403  403
services:dispatch                -         GET   in   403  200  403  403  403  403  200  403  403
services:dispatch                -         POST  in   405  405  405  405  405  405  405  405  405
services:handling                -         GET   in   403  403  200  200  200  200  403  403  403
services:handling                -         POST  in   405  405  405  405  405  405  405  405  405
services:feedback                -         GET   in   403  403  200  200  200  200  403  403  403
services:feedback                -         POST  in   405  405  405  405  405  405  405  405  405
services:archive                 -         GET   in   403  200  200  200  200  200  200  200  403
services:archive                 -         POST  in   405  405  405  405  405  405  405  405  405
services:find_customer           -         GET   in   403  200  200  200  200  200  200  403  403
services:find_customer           -         POST  in   403  405  405  405  405  405  405  403  403
services:find_contacts           -         GET   in   403  200  200  200  200  200  200  403  403
services:find_contacts           -         POST  in   403  405  405  405  405  405  405  403  403
services:assign_many             -         GET   in   403  302  403  403  403  403  302  403  403
services:assign_many             -         POST  in   403  409  403  403  403  403  409  403  403
services:reassign_many           -         GET   in   403  302  403  403  403  403  302  403  403
services:reassign_many           -         POST  in   403  409  403  403  403  403  409  403  403
services:request_detail          asknew    GET   in   404  200  200  200  404  404  404  200  404
services:request_detail          asked     GET   in   404  200  200  200  404  404  404  200  404
services:request_detail          answered  GET   in   404  200  200  200  404  404  404  200  404
services:request_detail          closedask GET   in   404  200  200  200  404  404  404  200  404
services:request_detail          asked     POST  in   405  405  405  405  405  405  405  405  405
services:request_history         asked     GET   in   404  200  200  200  404  404  404  200  404
services:request_history         asked     POST  in   405  405  405  405  405  405  405  405  405
services:request_update          asknew    GET   in   404  200  200  403  404  404  404  403  404
services:request_update          asknew    POST  in   404  302  302  403  404  404  404  403  404
services:request_update          asked     POST  in   404  409  403  409  404  404  404  403  404
services:request_update          closedask POST  in   404  409  409  403  404  404  404  403  404
services:request_delete          asknew    GET   in   404  200  403  403  404  404  404  403  404
services:request_delete          asknew    POST  in   404  302  403  403  404  404  404  403  404
services:request_delete          asked     POST  in   404  409  403  403  404  404  404  403  404
services:request_assign          asknew    GET   in   404  200  403  403  404  404  404  403  404
services:request_assign          asknew    POST  in   404  302  403  403  404  404  404  403  404
services:request_assign          asked     POST  in   404  409  403  403  404  404  404  403  404
services:request_reassign        asked     GET   in   404  200  403  403  404  404  404  403  404
services:request_reassign        asked     POST  in   404  302  403  403  404  404  404  403  404
services:request_reassign        answered  POST  in   404  302  403  403  404  404  404  403  404
services:request_reassign        asknew    POST  in   404  409  403  403  404  404  404  403  404
services:request_reassign        closedask POST  in   404  409  403  403  404  404  404  403  404
services:request_keep            asked     GET   in   404  409  403  403  404  404  404  403  404
services:request_keep            asked     POST  in   404  409  403  403  404  404  404  403  404
services:request_wait            asked     GET   in   404  403  200  403  404  404  404  403  404
services:request_wait            asked     POST  in   404  403  302  403  404  404  404  403  404
services:request_wait            answered  POST  in   404  403  409  403  404  404  404  403  404
services:request_wait            closedask POST  in   404  403  409  403  404  404  404  403  404
services:request_handle          asked     GET   in   404  403  200  403  404  404  404  403  404
services:request_handle          asked     POST  in   404  403  302  403  404  404  404  403  404
services:request_handle          answered  POST  in   404  403  409  403  404  404  404  403  404
services:request_handle          closedask POST  in   404  403  409  403  404  404  404  403  404
services:request_resume          asked     GET   in   404  403  409  403  404  404  404  403  404
services:request_resume          asked     POST  in   404  403  409  403  404  404  404  403  404
services:request_feedback        answered  GET   in   404  403  200  403  404  404  404  403  404
services:request_feedback        answered  POST  in   404  403  302  403  404  404  404  403  404
services:request_feedback        asked     POST  in   404  403  409  403  404  404  404  403  404
services:request_feedback        closedask POST  in   404  403  409  403  404  404  404  403  404
services:request_invite          answered  GET   in   404  403  200  403  404  404  404  403  404
services:request_invite          answered  POST  in   404  403  302  403  404  404  404  403  404
services:request_invite          asked     POST  in   404  403  409  403  404  404  404  403  404
services:request_invite          closedask POST  in   404  403  409  403  404  404  404  403  404
services:rating_picture          answered  GET   in   404  403  404  403  404  404  404  403  404
services:rating_picture          answered  POST  in   405  405  405  405  405  405  405  405  405
services:draft_handle            asked     GET   in   405  405  405  405  405  405  405  405  405
services:draft_handle            asked     POST  in   404  403  204  403  404  404  404  403  404
services:draft_feedback          answered  GET   in   405  405  405  405  405  405  405  405  405
services:draft_feedback          answered  POST  in   404  403  204  403  404  404  404  403  404
services:request_involve         asked     GET   in   404  200  200  403  404  404  404  403  404
services:request_involve         asked     POST  in   404  302  302  403  404  404  404  403  404
services:request_involve         closedask POST  in   404  409  409  403  404  404  404  403  404
services:request_release         aide      GET   in   404  200  200  403  404  404  404  403  404
services:request_release         aide      POST  in   404  302  302  403  404  404  404  403  404
services:request_note            asked     GET   in   404  200  200  403  404  404  404  403  404
services:request_note            asked     POST  in   404  302  302  403  404  404  404  403  404
services:request_note            closedask POST  in   404  409  409  403  404  404  404  403  404
rate                             -         GET   404  404  404  404  404  404  404  404  404  404
rate                             -         POST  404  404  404  404  404  404  404  404  404  404
"""
WRITING: set[tuple[str, str]] = set()


def make(world: World) -> None:
    """Add a request in each state, one of them with somebody who helps."""
    manager, people = world.company.manager, (world.company.supervisor, world.company.manager)
    about = {"customer": world.customer, "summary": "压力变送器", "content": "二期 140 个测点"}
    asknew = factories.service_request(manager, **about)
    asked = factories.dispatched(world.company.colleague, *people, **about)
    asked.involve(world.helper, by=manager)
    answered = factories.handled(manager, *people, **about)
    closedask = factories.archived(manager, *people, **about)
    world.addresses |= {
        "asknew": [asknew.pk],
        "asked": [asked.pk],
        "answered": [answered.pk],
        "closedask": [closedask.pk],
        "aide": [asked.pk, asked.helpers.get().pk],
    }
    world.own_values["services:"] = {
        "kind": str(factories.entry("服务类型", "咨询").pk),
        "organisation": "新的单位",
        "customer": "",
        "content": "新的请求",
        "handling": "新的处理",
    }
    world.edited["services:request_update"] = asknew
