"""Django admin: access, invalid input and forbidden lookups on every list and page, for every kind of record."""

from __future__ import annotations

import pytest
from django.contrib.admin import site as admin_site
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, reverse

from accounts.models import Department, Role
from basedata.models import DictionaryEntry
from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from marketing.models import Opportunity
from tests import factories
from tests.addresses import filled
from tests.html import find, text, texts, urls
from tests.permissions.asking import snapshot
from tests.walks import addresses

pytestmark = pytest.mark.django_db
HUGE = "9" * 23


@pytest.fixture
def admin(company, sign_in):
    return sign_in(company.administrator)


# Access


def admin_pages():
    """Yield every named page of the admin group with arguments that lead somewhere."""
    for name, route, _ in addresses():
        if not name.startswith("admin:") or name in ("admin:login", "admin:logout"):
            continue
        if name == "admin:app_list":
            yield name, ["accounts"]
        else:
            yield name, ["1"] * route.count("<")


def test_every_admin_page_sends_a_visitor_to_sign_in():
    for name, arguments in admin_pages():
        response = Client().get(reverse(name, args=arguments), follow=True)
        assert (name, response.redirect_chain[-1][0].split("?")[0]) == (name, reverse("login"))


@pytest.mark.parametrize("person", ["supervisor", "manager", "executive", "nobody"])
def test_every_admin_page_is_forbidden_to_all_but_administrators(person, company, sign_in):
    client = sign_in(getattr(company, person))
    before = snapshot()
    for name, arguments in admin_pages():
        url = reverse(name, args=arguments)
        for answer in (client.get(url, follow=True), client.post(url, {"name": "x"}, follow=True)):
            assert (name, answer.status_code) == (name, 403)
    assert snapshot() == before


def test_content_types_of_hidden_records_lead_nowhere_in_the_admin(world, company, sign_in):
    """Django's /admin/r/<type>/<id>/ would redirect an administrator to the URL of a record they may not see."""
    kind = ContentType.objects.get_for_model(Opportunity)
    client = sign_in(company.administrator)
    for key in (world.new.pk, 0):
        assert client.get(f"/admin/r/{kind.pk}/{key}/").status_code == 404


# Keys that no record has


def routes(patterns=None, prefix="/admin/"):
    """Yield the URL of every page of Django admin that has path parameters, as in its pattern."""
    for pattern in patterns or admin_site.get_urls():
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif "<" in path and "(?P<" not in path:
            yield path


@pytest.mark.parametrize(
    "key", ["abc", "-1", HUGE, "0x1", "1.5", "１", "0", "999999", "a_2Fb", "1_0", "1 OR 1=1", "%00"]
)
def test_every_admin_url_of_no_record_is_not_found(key, admin):
    paths = {filled(path, key) for path in routes()}
    assert len(paths) >= 20
    for path in paths:
        for ask in (admin.get, admin.post):
            answer = ask(path, follow=True)
            assert answer.status_code == 404 or (key == "%00" and answer.status_code == 400), (path, answer.status_code)


# Lookups in the query string

FORBIDDEN_LOOKUPS = (
    "accounts/user/?password__startswith=pbkdf2",
    "accounts/user/?mobile__startswith=138",
    "accounts/user/?department__members__mobile__startswith=138",
    "accounts/user/?username__regex=[",
    "accounts/user/?nonsense=1",
    "accounts/role/?name__regex=(",
    "accounts/department/?name__startswith=a",
    "basedata/dictionaryentry/?category__startswith=a",
    "audit/auditentry/?changes__手机__1__startswith=1380000",
    "audit/auditentry/?changes__contains=a",
    "audit/auditentry/?verb__regex=(",
    "jobs/job/?arguments__query=a",
    "jobs/job/?arguments__contains=a",
)


@pytest.mark.parametrize("url", FORBIDDEN_LOOKUPS)
def test_a_url_filters_by_nothing_that_the_page_does_not_offer(url, admin):
    assert admin.get(f"/admin/{url}").status_code == 400


def test_a_masked_number_is_not_guessed_by_its_digits(admin, company):
    log_event(company.manager, "更正联系方式", factories.ContactFactory(), 手机=("13700001111", "13800001111"))
    for guess in ("1370000", "1380000"):
        for side in (0, 1):
            lookup = {f"changes__手机__{side}__startswith": guess}
            assert admin.get("/admin/audit/auditentry/", lookup).status_code == 400


def test_every_link_of_a_filter_is_answered(admin, company):
    log_event(company.manager, "登录")
    link_count = 0
    for kind in ("accounts/user", "basedata/dictionaryentry", "audit/auditentry", "jobs/job"):
        page = admin.get(f"/admin/{kind}/")
        for spec in page.context["cl"].filter_specs:
            for choice in spec.choices(page.context["cl"]):
                url = f"/admin/{kind}/{choice['query_string']}"
                assert (url, admin.get(url).status_code) == (url, 200)
                link_count += 1
    assert link_count > 20


@pytest.mark.parametrize("kind", ["accounts/user", "basedata/dictionaryentry", "audit/auditentry"])
def test_a_search_for_a_thousand_words_is_answered(kind, admin):
    assert admin.get(f"/admin/{kind}/", {"q": "a " * 1200}).status_code == 200


# Invalid input of forms


@pytest.mark.parametrize("key", ["x", HUGE, "", "-1", "１２"])
def test_selected_rows_that_do_not_exist_are_left_out(key, admin):
    empty = factories.DepartmentFactory(name="临时部")
    before = Department.objects.count()
    data = {"action": "delete_selected", "_selected_action": [key, empty.pk]}
    answer = admin.post(reverse("admin:accounts_department_changelist"), data)
    assert answer.status_code == 200
    assert "临时部" in answer.content.decode()
    alone = admin.post(reverse("admin:accounts_department_changelist"), {**data, "_selected_action": [key]})
    assert alone.status_code in (200, 302)
    assert Department.objects.count() == before


@pytest.mark.parametrize("field", ["groups", "regions", "department"])
def test_a_key_out_of_the_databases_range_is_refused_beside_the_field(field, admin, company):
    user = company.manager
    values = {"username": user.username, "name": user.name, "opened": user.version, field: HUGE}
    answer = admin.post(reverse("admin:accounts_user_change", args=[user.pk]), values)
    assert list(answer.context["adminform"].form.errors) == [field]


def test_a_permission_key_out_of_range_is_refused_beside_the_field(admin):
    role = Role.objects.get(code="executive")
    values = {"name": "高管", "view_scope": "all", "edit_scope": "none", "opened": role.version, "permissions": HUGE}
    answer = admin.post(reverse("admin:accounts_role_change", args=[role.pk]), values)
    assert list(answer.context["adminform"].form.errors) == ["permissions"]


def test_a_name_with_control_characters_is_refused_beside_the_field(admin):
    answer = admin.post(reverse("admin:accounts_department_add"), {"name": "华\x07北"})
    assert answer.context["adminform"].form.errors == {"name": ["含有看不见的控制字符，请删除后重试。"]}


# Two at once


def open_form(client, record):
    """Return the URL of a record's page and what its form sends."""
    url = reverse(f"admin:{record._meta.label_lower.replace('.', '_')}_change", args=[record.pk])
    form = client.get(url).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    keys = {name: [getattr(row, "pk", row) for row in value] for name, value in data.items() if type(value) is list}
    return url, {name: value for name, value in (data | keys).items() if value is not None}


def reload(record):
    return type(record).objects.get(pk=record.pk)


def record_and_change(kind, company):
    """Return a record and a function that changes it as another user does on its own page."""
    by = company.administrator
    if kind == "role":
        role = Role.objects.get(code="executive")
        return role, lambda: role.edit(by=by, name="高层", permissions=role.permissions.all()[:2])
    if kind == "user":
        return company.manager, lambda: company.manager.edit(by=by, name="周别名")
    if kind == "department":
        return company.east, lambda: company.east.edit(by=by, name="华东大区")
    entry = DictionaryEntry.create(by=by, category="竞争对手", item="甲", value="90")
    return entry, lambda: entry.edit(by=by, item="乙")


@pytest.mark.parametrize("kind", ["role", "user", "department", "entry"])
def test_a_save_over_a_newer_version_is_refused_and_shows_both(kind, admin, company):
    record, change_it = record_and_change(kind, company)
    url, data = open_form(admin, record)
    with transaction.atomic():
        change_it()
    stored, events = reload(record), AuditEntry.objects.about(record).count()
    for _ in range(2):  # sent again it is no newer
        answer = admin.post(url, data)
        assert "这条记录在您打开之后已被别人改过，您的修改没有保存。请重新打开再改。" in text(answer)
        assert f"现在保存的是：{stored}" in text(answer)
        name = "item" if kind == "entry" else "name"
        assert find(answer, f'input[name="{name}"]').get("value") == data[name]
    assert str(reload(record)) == str(stored)
    assert AuditEntry.objects.about(record).count() == events
    url, data = open_form(admin, stored)
    assert admin.post(url, data).status_code == 302


def test_a_save_without_the_version_is_refused(admin, company):
    url, data = open_form(admin, company.east)
    answer = admin.post(url, {"name": "改名", "parent": data["parent"]})
    assert "页面已过期，您的修改没有保存。请重新打开再改。" in answer.content.decode()
    assert reload(company.east).name == "华东组"


# Links to the product's pages


def test_a_record_links_to_its_page_in_the_product(admin, company):
    entry = log_event(company.manager, "登录")
    for record in (company.manager, Role.objects.get(code="executive"), company.east, entry):
        url, _ = open_form(admin, record)
        assert urls(admin.get(url), "a.viewsitelink") == [record.get_absolute_url()]


# 历史


def history_of(record, **query):
    return reverse(f"admin:{record._meta.label_lower.replace('.', '_')}_history", args=[record.pk], query=query)


@pytest.mark.parametrize("kind", ["role", "user", "department", "entry"])
def test_the_history_of_a_record_shows_its_events(kind, admin, company):
    record, change_it = record_and_change(kind, company)
    with transaction.atomic():
        change_it()
    table = find(admin.get(history_of(record)), "#change-history table")
    entry = AuditEntry.objects.about(record).filter(verb="编辑").get()
    assert len(entry.change_list) > 0
    for label, old, new in entry.change_list:
        assert f"{label}：{old} → {new}" in text(table) or f"{label}：{new}" in text(table)
    assert "何管理" in texts(table, "td")


def test_a_long_history_is_read_page_by_page(admin, company):
    for number in range(120):
        log_event(company.manager, "登录", company.east, 次数=f"第{number}次")
    html = admin.get(history_of(company.east)).content.decode()
    assert "第119次" in html
    assert "第60次" not in html
    assert "共 120 条" in html
    assert "第0次" in admin.get(history_of(company.east, p=3)).content.decode()
    assert admin.get(history_of(company.east, p=HUGE)).status_code == 200


def test_a_record_without_events_says_so(admin, company):
    assert "还没有变更。" in admin.get(history_of(company.north)).content.decode()
