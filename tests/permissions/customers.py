"""Customers, contacts, interactions, orders, churn, imports and sync: who gets what, and what the world has."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import User
from basedata.models import SyncRun
from customers.imports.kind import CUSTOMERS
from customers.models import Customer, HintPause, ImportFile, Order
from kit.imports.steps import begin
from tests import factories
from tests.permissions.world import World

TABLE = """
address                          record    verb  anon admi supe mana coll east stra outs exec nobo
customers:customer_list          -         GET   in   403  200  200  200  200  200  200  200  403
customers:customer_list          -         POST  in   405  405  405  405  405  405  405  405  405
customers:customer_detail        customer  GET   in   404  200  200  200  404  404  404  200  404
customers:customer_detail        customer  POST  in   405  405  405  405  405  405  405  405  405
customers:customer_history       customer  GET   in   404  200  200  200  404  404  404  200  404
customers:customer_history       customer  POST  in   405  405  405  405  405  405  405  405  405
customers:customer_update        customer  GET   in   404  200  200  403  404  404  404  403  404
customers:customer_update        customer  POST  in   404  302  302  403  404  404  404  403  404
customers:contact_create         customer  GET   in   404  200  200  403  404  404  404  403  404
customers:known_contacts         customer  GET   in   405  405  405  405  405  405  405  405  405
customers:known_contacts         customer  POST  in   404  200  200  403  404  404  404  403  404
customers:contact_create         customer  POST  in   404  302  302  403  404  404  404  403  404
customers:contact_update         contact   GET   in   404  200  200  403  404  404  404  403  404
customers:contact_update         contact   POST  in   404  302  302  403  404  404  404  403  404
customers:contact_delete         contact   GET   in   404  200  200  403  404  404  404  403  404
customers:contact_delete         contact   POST  in   404  302  302  403  404  404  404  403  404
customers:customer_create        -         GET   in   403  200  200  200  200  200  200  403  403
customers:customer_create        -         POST  in   403  302  302  302  302  302  200  403  403
customers:customer_deleted       -         GET   in   200  403  403  403  403  403  403  403  403
customers:customer_deleted       -         POST  in   405  405  405  405  405  405  405  405  405
customers:customer_delete        bare      GET   in   404  200  200  403  404  404  404  403  404
customers:customer_delete        bare      POST  in   404  302  302  403  404  404  404  403  404
customers:customer_restore       deleted   GET   in   200  404  404  404  404  404  404  404  404
customers:customer_restore       deleted   POST  in   302  404  404  404  404  404  404  404  404
customers:customer_share         customer  GET   in   404  200  200  403  404  404  404  403  404
customers:customer_share         customer  POST  in   404  302  302  403  404  404  404  403  404
customers:customer_share_withdraw  grant   GET   in   404  200  200  403  404  404  404  403  404
customers:customer_share_withdraw  grant   POST  in   404  302  302  403  404  404  404  403  404
customers:share_many             -         GET   in   403  302  302  302  302  302  302  403  403
customers:share_many             -         POST  in   403  409  409  409  409  409  409  403  403
customers:refuse_contacts        -         GET   in   403  302  302  302  302  302  302  403  403
customers:refuse_contacts        -         POST  in   403  409  409  409  409  409  409  403  403
customers:remove_contacts        -         GET   in   403  302  302  302  302  302  302  403  403
customers:remove_contacts        -         POST  in   403  409  409  409  409  409  409  403  403
customers:known                  -         GET   in   405  405  405  405  405  405  405  405  405
customers:known                  -         POST  in   403  200  200  200  200  200  200  403  403
customer_reclassify              -         GET   in   403  302  403  403  403  403  302  403  403
customer_reclassify              -         POST  in   403  409  403  403  403  403  409  403  403
customer_merge                   -         GET   in   403  302  403  403  403  403  302  403  403
customer_merge                   -         POST  in   403  302  403  403  403  403  302  403  403
customer_merge_groups            -         GET   in   403  200  403  403  403  403  200  403  403
customer_merge_groups            -         POST  in   403  200  403  403  403  403  200  403  403
import                           -         GET   in   403  200  200  200  200  200  200  403  403
import                           -         POST  in   403  200  200  200  200  200  200  403  403
import_template                  -         GET   in   403  200  200  200  200  200  200  403  403
import_template                  -         POST  in   403  200  200  200  200  200  200  403  403
import_file                      upload    GET   in   404  404  200  404  404  404  404  404  404
import_file                      upload    POST  in   405  405  405  405  405  405  405  405  405
import_refused                   upload    GET   in   404  404  200  404  404  404  404  404  404
import_refused                   upload    POST  in   404  404  200  404  404  404  404  404  404
import_carry_out                 upload    GET   in   404  404  200  404  404  404  404  404  404
import_carry_out                 upload    POST  in   404  404  302  404  404  404  404  404  404
duplicates                       -         GET   in   403  200  403  403  403  403  200  403  403
duplicates                       -         POST  in   405  405  405  405  405  405  405  405  405

customers:churn_list             -         GET   in   403  200  200  200  200  200  200  200  403
customers:churn_list             -         POST  in   405  405  405  405  405  405  405  405  405
customers:churn_scan             -         GET   in   200  403  403  403  403  403  403  403  403
customers:churn_scan             -         POST  in   302  403  403  403  403  403  403  403  403
customers:churn_detail           warned    GET   in   404  200  200  200  404  404  404  200  404
customers:churn_detail           gone      GET   in   404  200  200  200  404  404  404  200  404
customers:churn_detail           warned    POST  in   405  405  405  405  405  405  405  405  405
customers:churn_history          warned    GET   in   404  200  200  200  404  404  404  200  404
customers:churn_history          warned    POST  in   405  405  405  405  405  405  405  405  405
customers:churn_defer            warned    GET   in   404  403  200  403  404  404  404  403  404
customers:churn_defer            warned    POST  in   404  403  302  403  404  404  404  403  404
customers:churn_defer            gone      POST  in   404  403  409  403  404  404  404  403  404
customers:churn_confirm          warned    GET   in   404  403  200  403  404  404  404  403  404
customers:churn_confirm          warned    POST  in   404  403  302  403  404  404  404  403  404
customers:churn_confirm          gone      POST  in   404  403  409  403  404  404  404  403  404
customers:churn_win_back         gone      GET   in   404  403  200  403  404  404  404  403  404
customers:churn_win_back         gone      POST  in   404  403  302  403  404  404  404  403  404
customers:churn_win_back         warned    POST  in   404  403  409  403  404  404  404  403  404
customers:alert_list             -         GET   in   403  200  200  200  200  200  200  200  403
customers:alert_list             -         POST  in   405  405  405  405  405  405  405  405  405
customers:alert_pause            late      GET   in   404  403  200  403  404  404  404  403  404
customers:alert_pause            late      POST  in   404  403  302  403  404  404  404  403  404
customers:alert_pause            punctual  POST  in   404  403  409  403  404  404  404  403  404
customers:alert_warn             late      GET   in   404  403  200  403  404  404  404  403  404
customers:alert_warn             late      POST  in   404  403  302  403  404  404  404  403  404
customers:alert_warn             punctual  POST  in   404  403  409  403  404  404  404  403  404
customers:order_list             -         GET   in   200  200  200  200  200  200  200  200  403
customers:order_list             -         POST  in   405  405  405  405  405  405  405  405  405
customers:customer_orders        customer  GET   in   404  200  200  200  404  404  404  200  404
customers:customer_orders        customer  POST  in   405  405  405  405  405  405  405  405  405
customers:order_detail           order     GET   in   404  200  200  200  404  404  404  200  404
customers:order_detail           order     POST  in   405  405  405  405  405  405  405  405  405
customers:contact_list           customer  GET   in   404  200  200  200  404  404  404  200  404
customers:contact_list           customer  POST  in   404  405  405  405  404  404  404  405  404
customers:interaction_list       customer  GET   in   404  200  200  200  404  404  404  200  404
customers:interaction_list       customer  POST  in   404  405  405  405  404  404  404  405  404
customers:timeline               customer  GET   in   404  200  200  200  404  404  404  200  404
customers:timeline               customer  POST  in   405  405  405  405  405  405  405  405  405
customers:interaction_create     customer  GET   in   404  200  200  403  404  404  404  403  404
customers:interaction_create     customer  POST  in   404  302  302  403  404  404  404  403  404
customers:interaction_detail     talk      GET   in   404  200  200  200  404  404  404  200  404
customers:interaction_detail     talk      POST  in   405  405  405  405  405  405  405  405  405
customers:interaction_update     talk      GET   in   404  200  200  403  404  404  404  403  404
customers:interaction_update     talk      POST  in   404  302  302  403  404  404  404  403  404
customers:interaction_delete     talk      GET   in   404  200  200  403  404  404  404  403  404
customers:interaction_delete     talk      POST  in   404  302  302  403  404  404  404  403  404
customers:interaction_done       talk      GET   in   404  200  200  403  404  404  404  403  404
customers:interaction_done       talk      POST  in   404  302  302  403  404  404  404  403  404
customers:attach                 talk      GET   in   404  200  200  403  404  404  404  403  404
customers:attach                 talk      POST  in   404  200  200  403  404  404  404  403  404
customers:attachment             file      GET   in   404  200  200  200  404  404  404  200  404
customers:attachment             file      POST  in   405  405  405  405  405  405  405  405  405
customers:attachment_delete      file      GET   in   404  200  200  403  404  404  404  403  404
customers:attachment_delete      file      POST  in   404  302  302  403  404  404  404  403  404

customers:sync                   -         GET   in   200  403  403  403  403  403  403  403  403
customers:sync                   -         POST  in   405  403  403  403  403  403  403  403  403
customers:sync_start             -         GET   in   405  403  403  403  403  403  403  403  403
customers:sync_start             -         POST  in   302  403  403  403  403  403  403  403  403
customers:sync_parked            -         GET   in   200  403  403  403  403  403  403  403  403
customers:sync_parked            -         POST  in   422  403  403  403  403  403  403  403  403
customers:sync_run               run       GET   in   200  403  403  403  403  403  403  403  403
customers:sync_run               run       POST  in   405  403  403  403  403  403  403  403  403

customers:customer_show          account   GET   in   404  200  200  200  404  404  404  403  404
customers:customer_show          account   POST  in   404  302  302  302  404  404  404  403  404
customers:contact_show           mobile    GET   in   404  200  200  200  404  404  404  403  404
customers:contact_show           mobile    POST  in   404  302  302  302  404  404  404  403  404

customers:hint_pause             goods     GET   in   404  200  200  403  404  404  404  403  404
customers:hint_pause             goods     POST  in   404  302  302  403  404  404  404  403  404
customers:hint_resume            pause     GET   in   404  200  200  403  404  404  404  403  404
customers:hint_resume            pause     POST  in   404  302  302  403  404  404  404  403  404
"""
WRITING: set[tuple[str, str]] = set()


def make(world: World) -> None:
    """Add a customer with everything it may have, and others in the states it is not in."""
    manager = world.company.manager
    customer = factories.CustomerFactory(
        name="海河水务有限公司", address="天津市某路 8 号", phone="022-6666 1000", manager=manager, by=manager
    )
    world.customer = customer
    _make_parts(world, customer, manager)
    _make_others(world, manager)
    customer.share(world.helper, by=world.company.supervisor, kind="view")
    world.addresses |= {
        "customer": [customer.pk],
        "account": [customer.pk, "bank_account"],
        "grant": [customer.pk, customer.grants.get().pk],
        "run": [SyncRun.objects.create(source="x", status="done").pk],
    }
    world.values |= _values_of_forms(world)
    world.edited |= {
        "customers:": customer,
        "customers:contact_update": world.contact,
        "customers:interaction_update": world.talk,
    }


def _make_parts(world: World, customer: Customer, manager: User) -> None:
    """Add a contact, an order, and an interaction with a file."""
    today = timezone.localdate()
    world.contact = factories.ContactFactory(customer=customer, name="高峰")
    order = Order.objects.create(
        number="沈阳北辰1", customer=customer, ordered_at=timezone.now(), status="paid", address="天津市某路"
    )
    summary = "确认需求，沈阳北辰"
    world.talk = factories.interaction(customer, manager, on=today, follow_up_on=today, summary=summary)
    file = factories.attachment(world.talk, manager, name="沈阳北辰.pdf")
    goods, paused = (factories.stocked(f"压力变送器{place}") for place in (1, 2))
    pause = HintPause.create(by=manager, customer=customer, product=paused)
    world.addresses |= {
        "goods": [customer.pk, goods.pk],
        "pause": [customer.pk, pause.pk],
        "contact": [customer.pk, world.contact.pk],
        "mobile": [customer.pk, world.contact.pk, "mobile"],
        "order": [customer.pk, order.pk],
        "talk": [customer.pk, world.talk.pk],
        "file": [customer.pk, file.pk],
    }


def _make_others(world: World, manager: User) -> None:
    """Add customers warned of, lost, without anything, deleted; and a file to import."""
    warned = factories.churn_case(manager, name="海河水务一分厂")
    gone = factories.churn_case(manager, name="海河水务二分厂")
    late = factories.late_customer(manager, name="海河水务三分厂", silent=150)
    punctual = factories.late_customer(manager, name="海河水务四分厂", silent=10)
    gone.confirm(by=manager, reason="停产", kind=factories.entry("流失原因", "停业"))
    bare = factories.CustomerFactory(name="沈阳北辰三厂", manager=manager, by=manager)
    deleted = factories.CustomerFactory(name="沈阳北辰二厂", manager=manager, by=manager)
    deleted.remove(by=manager)
    upload = ImportFile(owner=manager, name="沈阳北辰名单.csv", manager=manager)
    upload.file.save("a.csv", ContentFile("名称\n沈阳北辰四厂\n".encode()))
    sheet = ContentFile("名称,地区\n沈阳北辰五厂,东北\n沈阳北辰六厂,东北\n".encode(), name="沈阳北辰台账.csv")
    run = begin(CUSTOMERS, manager, sheet, "沈阳北辰台账.csv")
    world.addresses |= {
        "run": [run.pk],
        "warned": [warned.pk],
        "gone": [gone.pk],
        "late": [late.pk],
        "punctual": [punctual.pk],
        "bare": [bare.pk],
        "deleted": [deleted.pk],
        "upload": [upload.pk],
    }


def _values_of_forms(world: World) -> dict[str, str]:
    """Return what the forms of customers, contacts, interactions and churn cases take."""
    return {
        "manager": str(world.company.colleague.pk),
        "region": str(world.customer.region_id),
        "level": str(world.customer.level_id),
        "industry": str(factories.entry("行业", "医药").pk),
        "satisfaction": "1",
        "credit": "1",
        "address": "新的地址",
        "phone": "010-2",
        "position": "厂长",
        "office_phone": "010-1",
        "kind": str(factories.entry("交往方式", "电话").pk),
        "measure_kind": str(factories.entry("暂缓措施", "拜访").pk),
        "lost_kind": str(factories.entry("流失原因", "价格").pk),
        "review_on": str(timezone.localdate()),
        "span": "30",
    }
