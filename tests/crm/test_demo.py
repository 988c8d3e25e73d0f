"""The demo company and the measuring data: alive today, true to the rules, refused where real work is done."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Department, Notification, User
from basedata.models import DictionaryEntry, FeedPosition, Product, StockRecord, data_as_of
from crm.demo import accounts
from crm.demo.duplicates import COPIES
from crm.demo.names import PEOPLE, SHOWN_ACCOUNTS
from crm.demo.past import workday
from crm.demo.texts import NEVER_BOUGHT
from customers.contacts.forms import ContactForm
from customers.insight.alerts import AlertLevel
from customers.insight.nightly import describe_metric_differences
from customers.interactions.attachments import check_upload
from customers.models import (
    Alert,
    Attachment,
    BacktestMonth,
    BacktestRow,
    ChurnCase,
    Contact,
    Customer,
    CustomerMetrics,
    HintCheck,
    HintPause,
    Interaction,
    Order,
    OrderLine,
    Ownership,
    ProductPair,
    RhythmBase,
    RiskMonth,
    TimelineEntry,
    refresh_last_purchases,
    refresh_revenue,
)
from customers.orders.as_of import orders_as_of
from customers.records.forms import CustomerForm
from kit.audit.models import AuditEntry
from kit.audit.verification import verify
from kit.undo.models import UndoEntry
from marketing.models import Opportunity, PlanItem
from services.models import ServiceRequest
from tests import factories

pytestmark = pytest.mark.django_db
Status = Opportunity.Status


@pytest.fixture(autouse=True)
def _own_var(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.PRODUCTION = False
    settings.CRM_DEMO_PASSWORD = ""


def run(command: str, **options) -> str:
    out = io.StringIO()
    call_command(command, stdout=out, stderr=out, **options)
    return out.getvalue()


@pytest.fixture
def demo():
    run("load_demo")
    return {user.username: user for user in User.objects.select_related("department")}


def test_people_can_sign_in_and_do_their_work(demo, client):
    assert len(demo) == len(PEOPLE)
    assert all(user.is_demo and user.mobile for user in demo.values())
    sent = {"username": "xiaoming", "password": accounts.stored_password()}
    assert client.post("/login/", sent).status_code == 302
    assert client.get("/").status_code == 200
    assert demo["xiaoming"].department.parent == demo["zhuguan"].department
    assert demo["xiaoming"].regions.exists()
    assert demo["xiaoming"].industries.exists()
    roles = {name: demo[name].role_names for name in SHOWN_ACCOUNTS}
    assert set(roles.values()) == {"系统管理员", "销售主管", "客户经理", "高管", "协办人员"}


def test_every_state_and_condition(demo):
    counts = Counter(Opportunity.objects.values_list("status", flat=True))
    assert counts == {Status.UNASSIGNED: 18, Status.ASSIGNED: 22, Status.WON: 14, Status.LOST: 8}
    today, conditions = timezone.localdate(), Counter()
    for opportunity in Opportunity.objects.filter(status=Status.ASSIGNED).prefetch_related("items"):
        items = list(opportunity.items.all())
        conditions["none"] += not items
        conditions["all done"] += bool(items) and all(item.is_done for item in items)
        conditions["pending"] += bool(items) and not any(item.is_done for item in items)
        conditions["mixed"] += len({item.is_done for item in items}) == 2
        conditions["late"] += any(item.days_late for item in items)
        conditions["today"] += any(item.on == today and not item.is_done for item in items)
    assert all(conditions[name] >= 2 for name in ("none", "all done", "pending", "mixed", "late", "today"))
    own = PlanItem.objects.filter(opportunity__assignee=demo["xiaoming"])
    assert own.due(today - timedelta(days=1)).exists()
    assert own.due(today).filter(on=today).exists()


def test_customers_are_spread_and_some_need_attention(demo):
    assert Customer.objects.filter(merged_into=None).count() == 200 + COPIES
    assert Customer.objects.values("manager").distinct().count() == 10
    assert Customer.objects.filter(status=Customer.Status.LOST).count() >= 5
    assert Customer.objects.incomplete().filter(manager=demo["xiaoming"]).exists()
    assert Customer.objects.exclude(parent=None).count() >= 5
    assert Ownership.objects.filter(until=None, customer__merged_into=None).count() == 200 + COPIES
    contacts = Counter(Contact.objects.values_list("customer", flat=True))
    assert len(contacts) == 200
    assert set(contacts.values()) >= {1, 2, 3, 4}
    assert set(Contact.objects.values_list("role", flat=True)) == {"", *Contact.Role.values}
    assert Contact.objects.filter(office_phone="", mobile="", email="").exclude(wechat="").count() >= 10
    assert len(set(Customer.objects.values_list("name_normalized", flat=True))) == 200  # COPIES were entered twice


def test_lists_have_views_and_duplicates_are_merged_and_to_be_merged(demo, client):
    client.force_login(demo["xiaoming"])
    opened = client.get("/customers/", {"view": "default"}, follow=True)
    assert opened.redirect_chain
    labels = {tab.label for tab in opened.context["view"].strip.tabs}
    assert labels >= {"最近谈过的", "石家庄", "华北久未联系"}
    assert opened.context["misread"] == []
    (merge,) = UndoEntry.objects.open().filter(by=demo["zhuguan"])
    client.force_login(demo["zhuguan"])
    assert "撤销" in client.get("/recent/").content.decode()
    assert merge.record in Customer.objects.all()


def test_losses_and_warnings_have_every_end_and_none_contradicts_the_orders(demo):
    states = Counter(ChurnCase.objects.values_list("status", flat=True))
    assert set(states) >= {"warning", "deferred", "confirmed", "resolved", "won_back"}
    for case in ChurnCase.objects.filter(status="resolved").select_related("customer"):
        later = case.customer.orders.filter(ordered_at__gt=case.opened_at, ordered_at__lte=case.closed_at)
        assert later.exists()
    never = ChurnCase.objects.exclude(lost_reason="").filter(customer__orders=None)
    assert {case.lost_reason for case in never} <= {NEVER_BOUGHT}  # who never bought cannot have stopped


def test_requests_are_spread_over_the_year_and_no_text_stands_everywhere(demo):
    created = ServiceRequest.objects.values_list("created_at", flat=True)
    last = Counter((timezone.now() - at).days // 30 for at in created)
    assert min(last[month] for month in range(12)) >= 8
    assert max(last.values()) <= 3 * min(last[month] for month in range(12))
    summaries = Counter(ServiceRequest.objects.values_list("summary", flat=True))
    assert max(summaries.values()) <= 2
    mine = ServiceRequest.objects.filter(assignee=demo["xiaoming"])
    assert set(mine.values_list("status", flat=True)) == {"assigned", "handled", "archived"}
    emails = Contact.objects.exclude(email="").values_list("email", flat=True)
    assert not [email for email in emails if any(sign.isdigit() for sign in email)]


def test_rows_would_pass_the_screens(demo):
    complete = Customer.objects.exclude(pk__in=Customer.objects.incomplete()).select_related("parent").order_by("-pk")
    for customer in complete[:60]:
        form = CustomerForm(instance=customer, user=demo["zhuguan"])
        sent = CustomerForm(form.stored_values(), instance=customer, user=demo["zhuguan"])
        assert sent.is_valid(), sent.errors
        assert (customer.website == "") or customer.website.endswith(".example")
    for contact in Contact.objects.all()[:200]:
        form = ContactForm(ContactForm(instance=contact).stored_values(), instance=contact)
        assert form.is_valid(), form.errors
    for opportunity in Opportunity.objects.all():
        opportunity.full_clean()


def test_history_is_in_order_and_ends_in_the_past(demo):
    now = timezone.now()
    for opportunity in Opportunity.objects.select_related("assignee", "customer"):
        entries = list(AuditEntry.objects.about(opportunity).order_by("pk"))
        assert entries[0].verb == "新建"
        assert entries[0].at == opportunity.created_at
        assert all(before.at <= after.at <= now for before, after in pairwise(entries))
        verbs = [entry.verb for entry in entries]
        assert verbs.count("填写执行效果") == opportunity.items.exclude(result="").count()
        assert verbs.count("制定计划") == opportunity.items.count()
        assert ("指派" in verbs) == (opportunity.status != Status.UNASSIGNED)
        if opportunity.status == Status.WON:
            assert (verbs[-1], entries[-1].at) == ("开发成功", opportunity.closed_at)
            assert opportunity.customer.created_at == opportunity.closed_at
            assert opportunity.customer.contacts.filter(name=opportunity.contact_name).exists()
        if opportunity.status == Status.LOST:
            assert (verbs[-1], entries[-1].at) == ("终止开发", opportunity.closed_at)
    assert verify() == []


def test_assignments_keep_to_the_rules(demo):
    for opportunity in Opportunity.objects.exclude(assignee=None).select_related("assignee", "assigned_by"):
        supervisor = factories.fresh(opportunity.assigned_by)
        assert Opportunity.check_candidate(opportunity.assignee, by=supervisor)


def test_talks_keep_the_rules_and_some_are_to_be_followed_up_now(demo):
    today = timezone.localdate()
    talks = list(Interaction.objects.select_related("customer", "kind", "contact"))
    assert len({talk.customer_id for talk in talks}) >= 100
    for talk in talks:
        assert talk.objections() == {}
        assert talk.customer.created_at < talk.created_at < timezone.now()
        assert talk.on == timezone.localdate(talk.created_at)
    due = Interaction.objects.to_follow_up(today).filter(customer__manager=demo["xiaoming"])
    assert due.filter(follow_up_on__lt=today).exists()
    assert TimelineEntry.objects.filter(kind="interaction").count() == len(talks)
    for entry in TimelineEntry.objects.filter(kind="interaction").select_related("customer")[:50]:
        assert entry.customer.interactions.get(pk=entry.url.split("/")[4]).timeline_text == entry.text
    assert TimelineEntry.objects.filter(kind="opportunity").count() == 14
    for file in Attachment.objects.all():
        with file.file.open("rb") as content:
            named = SimpleUploadedFile(file.name, content.read())
        assert check_upload(named).content_type == file.content_type


def test_removal_takes_the_files_along(demo, django_capture_on_commit_callbacks, settings):
    kept = Path(settings.MEDIA_ROOT, "attachments")
    assert len([path for path in kept.rglob("*") if path.is_file()]) == 3
    with django_capture_on_commit_callbacks(execute=True):
        run("remove_demo", yes=True)
    assert [path for path in kept.rglob("*") if path.is_file()] == []
    assert not Interaction.objects.exists()
    assert not TimelineEntry.objects.exists()


def labels(entries) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entry in entries:
        found.setdefault(entry.verb, set()).update(entry.changes)
    return found


def test_built_history_reads_like_the_products_own(demo, company):
    """Each verb names the same facts as when the method itself runs."""
    built = labels(AuditEntry.objects.filter(content_type__model__in=("opportunity", "customer", "contact")))
    last = AuditEntry.objects.latest("pk").pk
    made = factories.won(company.manager, company.supervisor, company.manager)
    lost = factories.assigned(company.manager, company.supervisor, company.colleague)
    lost.reassign(company.manager, by=company.supervisor, reason="r")
    item = factories.plan_item(lost, company.manager, result="好")
    entry = factories.entry("竞争对手", "进口品牌")
    lost.update_forecast(by=company.manager, success_rate=5, expected_amount=7, expected_on=None, reason="r")
    lost.lose(by=company.manager, reason="价格", competitor=entry)
    real = labels(AuditEntry.objects.filter(pk__gt=last))
    assert item.is_done
    assert made.customer
    for verb in ("新建", "指派", "改派", "制定计划", "填写执行效果", "更新预测", "开发成功", "终止开发"):
        assert built[verb] == real[verb], verb


def test_recent_news_is_unread(demo):
    assert Notification.objects.unread().filter(recipient=demo["xiaoming"]).exists()
    assert Notification.visible(demo["xiaoming"])
    assert not Notification.objects.filter(created_at__gt=timezone.now()).exists()


def test_password_is_shown_again_and_kept_private(tmp_path):
    first = run("load_demo")
    password = accounts.stored_password()
    assert password in first
    assert accounts.password_file().stat().st_mode & 0o777 == 0o600
    again = run("load_demo", if_empty=True)
    assert password in again
    assert "xiaoming" in again
    assert User.objects.count() == len(PEOPLE)


def test_given_password_wins(settings):
    run("load_demo")
    settings.CRM_DEMO_PASSWORD = "given-passphrase"
    assert "given-passphrase" in run("load_demo", if_empty=True)
    assert User.objects.get(username="gaoguan").check_password("given-passphrase")
    settings.CRM_DEMO_PASSWORD = ""
    assert "given-passphrase" not in run("load_demo", if_empty=True)


def refusal(password: str) -> list[str]:
    """What the validators say against a password; empty when nothing."""
    try:
        validate_password(password, User(username="admin", name="何雨桐"))
    except ValidationError as error:
        return error.messages
    return []


def test_generated_passwords_pass_the_validators():
    assert refusal("password") != []
    for _ in range(20):
        accounts.password_file().unlink(missing_ok=True)
        assert refusal(accounts.choose_password()) == []


def test_refused_where_real_work_is_done(settings):
    factories.UserFactory()
    with pytest.raises(CommandError, match="正式用户"):
        run("load_demo")
    assert "不载入" in run("load_demo", if_empty=True)
    assert User.objects.count() == 1
    settings.PRODUCTION = True
    for command in ("load_demo", "generate_data"):
        with pytest.raises(CommandError, match="production"):
            run(command)


def test_not_loaded_twice(demo):
    with pytest.raises(CommandError, match="已经载入"):
        run("load_demo")


def test_removal_leaves_dictionary_roles_and_audit_log(demo):
    events, entries = AuditEntry.objects.count(), DictionaryEntry.objects.count()
    with pytest.raises(CommandError, match="--yes"):
        run("remove_demo")
    assert f"账号 {len(PEOPLE)}" in run("remove_demo", yes=True)
    for model in (User, Customer, Contact, Opportunity, PlanItem, Notification, Department):
        assert not model._default_manager.exists(), model
    assert AuditEntry.objects.count() == events + 1
    assert DictionaryEntry.objects.count() == entries
    assert not accounts.password_file().exists()
    assert "无需删除" in run("remove_demo", yes=True)
    run("load_demo")


def test_removal_keeps_what_real_people_keep(demo, company):
    User.objects.filter(username="xiaoming").update(department=company.north)
    kept = factories.opportunity(demo["xiaoming"])
    kept.assign(company.manager, by=company.supervisor)
    introduced = factories.opportunity(company.manager, introduced_by=demo["liuhongwei"].customers.earliest("pk"))
    report = run("remove_demo", yes=True)
    assert set(Opportunity.objects.all()) == {kept, introduced}
    assert "周晓明（xiaoming）" in report
    assert not User.objects.get(username="xiaoming").is_active
    assert not User.objects.filter(username="xiaogang").exists()
    assert Customer.objects.get() == introduced.introduced_by
    assert Department.objects.filter(name="海外部").exists()


def test_the_demo_company_trades_and_takes_it_all_along(demo):
    counts = Counter(Order.objects.values_list("status", flat=True))
    assert sum(counts.values()) > 900
    assert all(counts[status] > 20 for status in Order.Status.values)
    assert Order.objects.filter(status="returned", total__lt=0).exists()
    assert not Order.objects.filter(ordered_at__gt=timezone.now()).exists()
    line = OrderLine.objects.select_related("order").latest("pk")
    assert line.order.total == sum(one.amount for one in line.order.lines.all())
    assert Customer.objects.filter(last_purchase_on=None, orders=None).exists()
    assert refresh_last_purchases() == refresh_revenue() == 0
    assert data_as_of("products", "storage", "orders", "order_lines") is not None
    assert Product.objects.count() > 40 < StockRecord.objects.count()
    assert ProductPair.objects.count() > 20 < HintCheck.objects.get().bought
    assert HintPause.objects.filter(by=demo["xiaoming"]).exists()
    assert BacktestMonth.objects.values("month_end").distinct().count() == 12
    assert set(BacktestRow.objects.values_list("light", "gone")) >= {("red", True), ("red", False), ("", True)}
    run("remove_demo", yes=True)
    assert not any(model.objects.exists() for model in (Order, Product, StockRecord, FeedPosition))
    assert not any(model.objects.exists() for model in (HintCheck, ProductPair, BacktestMonth, BacktestRow))


def test_the_demo_company_has_alerts_of_both_levels_and_one_is_paused(demo):
    alerts = list(Alert.objects.alerted(orders_as_of()))
    assert {alert.level for alert in alerts} == set(AlertLevel)
    assert any(alert.pause_reason for alert in alerts)
    assert describe_metric_differences() == []
    assert RiskMonth.objects.filter(red__gt=0).exists()
    run("remove_demo", yes=True)
    assert not any(model.objects.exists() for model in (CustomerMetrics, RiskMonth, RhythmBase))


def test_generated_data_has_every_state():
    run("generate_data", opportunities=300, customers=120, password="a-long-passphrase")
    counts = Counter(Opportunity.objects.values_list("status", flat=True))
    assert sum(counts.values()) == 300
    assert all(counts[status] > 10 for status in Status.values)
    assert Customer.objects.count() == Ownership.objects.count() == 120
    assert User.objects.get(username="bench_manager_1").check_password("a-long-passphrase")
    supervisor = factories.fresh(User.objects.get(username="bench_supervisor"))
    assert Opportunity.objects.visible_to(supervisor).count() == 300
    assert Opportunity.candidates(supervisor).count() == 50
    assert Customer.objects.earliest("pk").number in Customer.objects.earliest("pk").external_number
    run("generate_data", opportunities=10, customers=10)
    assert Opportunity.objects.count() == 310


def test_workdays_never_fall_on_a_weekend():
    assert all(workday(offset).weekday() < 5 for offset in range(-30, 30) if offset)
    assert workday(0) == timezone.localdate()
