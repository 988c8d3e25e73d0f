"""Every page of the product with the person who opens it; an address without a line here fails a test."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from kit.audit.models import AuditEntry
from services.ratings.links import SIGNER


class Address(NamedTuple):
    """One address to open: the route it belongs to, how it is called, where it is, what it answers."""

    route: str
    called: str
    path: str
    status: int = 200


# Addresses that show no page of ours: files, answers to machines, and what only takes a POST.
NO_PAGE = {
    "healthz",
    "readyz",
    "logout",
    "setup",
    "job_file",
    "notifications_mail",
    "notifications_read",
    "mail_again",
    "notification_open",
    "accounts:theme",
    "accounts:density",
    "accounts:view_choose",
    "accounts:session_end",
    "accounts:session_end_others",
    "login_code",
    "marketing:item_result",
    "marketing:known",
    "customers:known",
    "customers:attachment",
    "import_template",
    "import_refused",
    "import_files",
    "import_write",
    "import_rejects",
    "import_undo",
    "customers:known_contacts",
    "customers:sync_start",
    "services:find_contacts",
    "palette",
    "services:rating_picture",
    "services:draft_handle",
    "services:draft_feedback",
    "accounts:audit_verify",
    "reports:monthly_workbook",
}

WRITTEN = ("detail", "update", "refresh", "submit", "delete")  # what an author does with a report
STATES = ("waiting", "developed", "unplanned", "won", "lost")


def routes() -> Iterator[str]:
    """The names of all routes, without those of the administration site."""
    yield from _names(get_resolver().url_patterns, "")


def _names(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from _names(
                    pattern.url_patterns, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
                )
        elif pattern.name:
            yield prefix + pattern.name


def _at(route: str, *args: int | str, called: str = "", query: str = "", status: int = 200) -> Address:
    return Address(route, called or route, reverse(route, args=args) + query, status)


def shared(world: SimpleNamespace) -> list[Address]:
    """What both a supervisor and a manager open."""
    lists = (
        "marketing:opportunity_list",
        "marketing:development_list",
        "customers:customer_list",
        "customers:churn_list",
        "customers:alert_list",
    )
    return [
        _at("home"),
        _at("search", called="search empty"),
        _at("search", called="search", query="?q=有限公司"),
        _at("search", called="search nothing", query="?q=不存在的名字"),
        _at("help"),
        _at("notifications"),
        _at("job_list"),
        _at("accounts:password"),
        _at("marketing:opportunity_create"),
        *(_at(name, called=f"{name} opened") for name in lists),
        *(_at(name, called=f"{name} all", query="?status=all") for name in lists),
        *(_at(name, called=f"{name} none", query="?status=all&customer_name=某&name=某") for name in lists),
        *(
            _at("marketing:opportunity_detail", getattr(world, state).pk, called=f"opportunity {state}")
            for state in STATES
        ),
        _at("marketing:opportunity_update", world.waiting.pk),
        _at("marketing:opportunity_history", world.developed.pk),
        _at("marketing:development_plan", world.developed.pk),
        _at("marketing:development_plan", world.unplanned.pk, called="plan empty"),
        _at("marketing:item_update", world.developed.pk, world.late.pk),
        _at("marketing:item_delete", world.developed.pk, world.late.pk),
        _at("customers:customer_detail", world.customer.pk, called="customer new"),
        _at("customers:customer_detail", world.known.pk, called="customer known"),
        _at("customers:customer_detail", world.silent.pk, called="customer late"),
        _at("customers:customer_history", world.customer.pk),
        _at("customers:customer_update", world.customer.pk),
        _at("customers:customer_create"),
        _at("customers:customer_delete", world.customer.pk),
        _at("customers:customer_delete", world.known.pk, called="customer_delete 409", status=409),
        _at("customers:customer_share", world.customer.pk),
        _at("customers:customer_share_withdraw", world.customer.pk, world.customer.grants.get().pk),
        _at("marketing:opportunity_share", world.developed.pk),
        _at("marketing:opportunity_share_withdraw", world.developed.pk, world.developed.grants.get().pk),
        _at("customers:contact_create", world.known.pk),
        _at("customers:contact_update", world.known.pk, world.contact.pk),
        _at("customers:contact_delete", world.known.pk, world.contact.pk),
        *(_at(f"basedata:{name}_list") for name in ("dictionary", "product", "stock")),
        _at("basedata:dictionary_detail", world.known.region_id),
        _at("basedata:dictionary_history", world.known.region_id),
        _at("basedata:calendar", query="?year=2026"),
        _at("basedata:calendar", called="calendar unknown year", query="?year=2027"),
        _at("services:targets"),
        _at("customers:churn_detail", world.warned.pk, called="churn deferred"),
        _at("customers:churn_detail", world.gone.pk, called="churn confirmed"),
        _at("customers:churn_history", world.warned.pk),
        _at("search", called="search word", query="?q=确定流失"),
        _at("customers:order_list"),
        _at("customers:order_list", called="orders none", query="?number=没有"),
        _at("customers:customer_orders", world.known.pk),
        _at("customers:customer_orders", world.customer.pk, called="orders empty"),
        _at("customers:order_detail", world.known.pk, world.order.pk),
        _at("customers:customer_detail", world.known.pk, called="customer facts", query="?tab=info"),
        _at("customers:contact_list", world.known.pk),
        _at("customers:timeline", world.known.pk),
        _at("customers:interaction_list", world.known.pk),
        _at("customers:interaction_list", world.customer.pk, called="interactions empty"),
        _at("customers:interaction_create", world.known.pk),
        _at("customers:interaction_detail", world.known.pk, world.talk.pk),
        _at("customers:interaction_update", world.known.pk, world.talk.pk),
        _at("customers:interaction_delete", world.known.pk, world.talk.pk),
        _at("customers:interaction_done", world.known.pk, world.talk.pk),
        _at("customers:attach", world.known.pk, world.talk.pk),
        _at("customers:attachment_delete", world.known.pk, world.file.pk),
        *shared_requests(world),
        _at("customers:customer_show", world.known.pk, "phone"),
        _at("customers:contact_show", world.known.pk, world.contact.pk, "office_phone"),
        _at("marketing:opportunity_show", world.developed.pk, "contact_phone"),
        Address("", "404", "/marketing/opportunities/999999/", 404),
        Address("", "400", "/search/?q=%00", 400),
    ]


def shared_requests(world: SimpleNamespace) -> list[Address]:
    states = ("asknew", "asked", "held", "returned", "answered", "closedask")
    return [
        _at("services:archive", called="archive opened"),
        _at("services:archive", called="archive all", query="?status=all"),
        _at("services:archive", called="archive none", query="?customer=没有"),
        _at("services:request_create"),
        _at("services:request_create", called="create named", query="?customer=济南泉城水务有限公司"),
        _at("services:find_customer"),
        _at("services:find_customer", called="find_customer found", query="?customer=水务"),
        _at("services:find_customer", called="find_customer none", query="?customer=没有这家"),
        _at("search", called="caller unknown", query="?phone=01099999999"),
        *(_at("services:request_detail", getattr(world, name).pk, called=f"request {name}") for name in states),
        _at("services:request_history", world.returned.pk),
        _at("services:request_update", world.asknew.pk),
        _at("services:request_involve", world.asked.pk),
        _at("services:request_release", world.asked.pk, world.asked.helpers.get().pk),
        _at("services:request_note", world.asked.pk),
    ]


def of_supervisor(world: SimpleNamespace) -> list[Address]:
    return [
        *shared(world),
        _at("services:dispatch"),
        _at("services:assign_many", query=f"?ids={world.asknew.pk}&ids={world.asked.pk}"),
        _at("services:reassign_many", query=f"?ids={world.asked.pk}&ids={world.asknew.pk}"),
        _at("marketing:assign_many", query=f"?ids={world.waiting.pk}&ids={world.developed.pk}"),
        _at("marketing:reassign_many", query=f"?ids={world.developed.pk}&ids={world.waiting.pk}"),
        _at("services:request_assign", world.asknew.pk),
        _at("services:request_reassign", world.returned.pk),
        _at("services:request_keep", world.returned.pk),
        _at("services:request_delete", world.asknew.pk),
        _at("contact_personal", world.known.pk, world.contact.pk),
        _at("contact_erase", world.known.pk, world.contact.pk),
        *(
            _at(f"reports:monthly_{verb}", world.written.pk)
            for verb in ("detail", "update", "refresh", "submit", "delete")
        ),
        _at("reports:monthly_create"),
        _at("customer_merge", query=f"?ids={world.known.pk}&ids={world.customer.pk}"),
        _at("customer_reclassify", query=f"?ids={world.known.pk}&ids={world.customer.pk}"),
        _at("duplicates"),
        _at("customer_merge_groups"),
        _at("recent"),
        _at("undo", world.merge_entry.pk),
        _at("customer_transfer", world.known.pk),
        _at("customer_transfer_many", query=f"?ids={world.known.pk}&ids=999999"),
        _at("marketing:opportunity_assign", world.waiting.pk),
        _at("marketing:opportunity_reassign", world.developed.pk),
        _at("marketing:opportunity_win", world.developed.pk, called="403", status=403),
        _at("marketing:opportunity_assign", world.developed.pk, called="409", status=409),
    ]


def of_manager(world: SimpleNamespace) -> list[Address]:
    return [
        *shared(world),
        _at("import"),
        _at("import_file", world.upload.pk),
        _at("import_carry_out", world.upload.pk),
        _at("imports"),
        *(_at(f"import_{step}", world.sheet.pk) for step in ("run", "sheet", "columns", "values", "preview")),
        _at("customers:refuse_contacts", query=f"?ids={world.contact.pk}"),
        _at("customers:share_many", query=f"?ids={world.known.pk}&ids={world.customer.pk}"),
        _at("customers:remove_contacts", query=f"?ids={world.contact.pk}"),
        _at("marketing:postpone_many", query=f"?ids={world.developed.pk}&ids={world.waiting.pk}"),
        _at("services:handling"),
        _at("services:feedback"),
        _at("services:request_handle", world.returned.pk),
        _at("services:request_wait", world.asked.pk),
        _at("services:request_resume", world.held.pk),
        _at("services:request_feedback", world.answered.pk, called="feedback with link"),
        _at("services:request_feedback", world.complained.pk, called="feedback of a complaint"),
        _at("services:request_invite", world.complained.pk),
        _at("marketing:opportunity_delete", world.waiting.pk),
        _at("marketing:development_execute", world.developed.pk),
        _at(
            "marketing:development_execute",
            world.developed.pk,
            called="execute correcting",
            query=f"?item={world.done.pk}",
        ),
        _at("marketing:development_execute", world.unplanned.pk, called="execute empty"),
        _at("marketing:opportunity_forecast", world.developed.pk),
        _at("marketing:opportunity_contact", world.developed.pk),
        _at("marketing:opportunity_win", world.developed.pk, called="win"),
        _at("marketing:opportunity_win", world.unplanned.pk, called="win without plan"),
        _at("marketing:opportunity_win", world.twin.pk, called="win same name"),
        _at("marketing:opportunity_lose", world.developed.pk),
        _at("job_detail", world.job.pk),
        _at("customers:alert_pause", world.silent.pk),
        _at("customers:alert_warn", world.silent.pk),
        _at("customers:hint_pause", world.silent.pk, world.goods.pk),
        _at("customers:hint_resume", world.silent.pk, world.hint_pause.pk),
        _at("customers:churn_defer", world.warned.pk),
        _at("customers:churn_confirm", world.warned.pk),
        _at("customers:churn_win_back", world.gone.pk),
        _at("marketing:opportunity_assign", world.waiting.pk, called="403", status=403),
        _at("marketing:opportunity_update", world.developed.pk, called="409", status=409),
    ]


def of_administrator(world: SimpleNamespace) -> list[Address]:
    return [
        _at("home", called="home of an administrator"),
        _at("customers:churn_scan"),
        _at("accounts:audit_list"),
        _at("accounts:audit_list", called="audit none", query="?object_text=没有这样的名字"),
        _at("accounts:audit_detail", AuditEntry.objects.about(world.known)[0].pk),
        _at("customers:sync"),
        _at("customers:sync_parked"),
        _at("customers:sync_run", world.run.pk),
        _at("customers:customer_deleted"),
        _at("customers:customer_restore", world.deleted.pk),
        _at("basedata:dictionary_list", called="dictionary_list edited"),
        _at("basedata:dictionary_detail", world.known.region_id, called="dictionary_detail in use"),
        _at("basedata:dictionary_create"),
        _at("basedata:dictionary_update", world.known.region_id),
        _at("basedata:dictionary_delete", world.spare.pk),
        *keeping(world),
        _at("basedata:calendar", called="calendar edited", query="?year=2026"),
        _at("basedata:calendar_hours"),
        _at("basedata:calendar_enter", query="?year=2027"),
        _at("basedata:special_day_create"),
        _at("basedata:special_day_update", world.special_day.pk),
        _at("basedata:special_day_delete", world.special_day.pk),
        _at("services:targets", called="targets edited"),
    ]


def keeping(world: SimpleNamespace) -> list[Address]:
    """People, roles, departments, and one's own account."""
    person, role = world.colleague.pk, world.supervisor.groups.get().pk
    one = ("user_detail", "user_update", "user_history", "user_reset_password", "user_end_sessions")
    many = ("user_list", "user_create", "role_list", "role_create", "department_list", "department_create")
    own = ("profile", "profile_edit", "second_factor_on")
    return [
        *(_at(f"accounts:{name}") for name in (*many, *own)),
        _at("accounts:view_create", "accounts:user_list", query="?conditions=state%3Dall"),
        *(_at(f"accounts:{name}", world.view.pk) for name in ("view_update", "view_replace", "view_delete")),
        *(_at(f"accounts:{name}", person) for name in one),
        *(
            _at(f"accounts:{name}", role)
            for name in ("role_detail", "role_update", "role_copy", "role_history", "role_retire")
        ),
        *(_at(f"accounts:{name}", world.retired_role.pk) for name in ("role_reopen", "role_delete")),
        _at("accounts:user_enable", world.gone_person.pk),
        _at("user_hand_over", world.gone_person.pk, status=409),
        _at("user_disable", world.manager.pk),
        _at("role_check", role),
        _at("accounts:department_update", world.north.pk),
        _at("accounts:department_delete", world.other.pk, status=409),
        _at("accounts:user_unlock", person, status=409),
        _at("accounts:user_reset_second_factor", person, status=409),
        _at("accounts:second_factor_off", status=409),
        _at("accounts:recovery_codes", status=409),
    ]


def of_executive(world: SimpleNamespace) -> list[Address]:
    reports = ("contribution", "composition", "services", "churn", "pipeline")
    return [
        _at("home", called="home of an executive"),
        *(_at(f"reports:{name}") for name in reports),
        *(_at(f"reports:{name}", called=f"{name} none", query="?year=all&name=某") for name in reports),
        _at("reports:churn_backtest"),
        _at("reports:churn_backtest_rows"),
        _at("reports:churn_backtest_rows", called="backtest none", query="?month=2020-01-31"),
        *(_at("reports:pipeline", called=f"pipeline by {by}", query=f"?by={by}") for by in ("source", "person")),
        _at("reports:services", called="services by month", query="?by=month"),
        _at("reports:monthly_list"),
        _at("reports:monthly_detail", world.handed.pk, called="monthly submitted"),
        _at("reports:monthly_review", world.handed.pk),
        _at("reports:monthly_return", world.handed.pk),
        _at("reports:monthly_history", world.handed.pk),
    ]


def of_visitor(world: SimpleNamespace) -> list[Address]:
    link = reverse("rate", args=[SIGNER.sign(world.invited.rating_key)])
    return [_at("login"), Address("rate", "rate", link), Address("rate", "rate forged", "/rate/x/", 404)]
