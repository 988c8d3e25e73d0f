"""数据字典: who edits it, what stays fixed, what is in use, and its pages."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from basedata.models import DictionaryEntry
from basedata.models.dictionary import references
from customers.models import Customer
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/basedata/dictionary/"
NEW = "/basedata/dictionary/new/"


@pytest.fixture
def administrator(company):
    return company.administrator


@pytest.fixture
def admin(administrator, sign_in):
    return sign_in(administrator)


@pytest.fixture
def spare(company):
    """An editable entry that nothing uses."""
    return factories.entry("行业", "食品饮料")


@pytest.fixture
def fixed(company):
    return factories.entry("客户等级", "大客户")


@pytest.fixture
def used(company):
    """An editable entry that two customers, an opportunity and a person use."""
    entry = factories.entry("地区", "中南")
    for _ in range(2):
        factories.CustomerFactory(region=entry, manager=company.manager)
    factories.opportunity(company.manager, region=entry)
    company.manager.regions.add(entry)
    return entry


def at(entry, step):
    return f"{LIST}{entry.pk}/{step}/"


def text(response):
    return response.content.decode()


def items(html):
    return re.findall(r'<td class="m-t"><a href="[^"]+">([^<]+)</a></td>', html)


def errors(response):
    """{field: messages} that stand beside the fields."""
    return {name: list(found) for name, found in response.context["form"].errors.items()}


def values(**changes):
    return {"category": "行业", "item": "新能源", "value": "99", "is_editable": "on", **changes}


def opened(client, entry):
    memory = re.search(r'name="opened" value="([^"]+)"', text(client.get(at(entry, "edit"))))[1]
    return {
        "category": entry.category,
        "item": entry.item,
        "value": entry.value,
        "is_editable": "on",
        "opened": unescape(memory),
    }


# The model: every state × action


STATES = {"spare": ("", ""), "fixed": ("固定条目", "固定条目"), "used": ("", "正在使用")}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ["edit", "remove"])
def test_what_an_administrator_may_do_in_each_state(state, action, administrator, request):
    entry = request.getfixturevalue(state)
    objection = STATES[state][action == "remove"]
    verdict = getattr(entry, f"can_{action}")(administrator)
    assert verdict.kind is (Kind.STATE if objection else Kind.ALLOWED)
    assert objection in verdict.reason
    act = {"edit": lambda: entry.edit(by=administrator, item="改过"), "remove": lambda: entry.remove(by=administrator)}
    if not objection:
        act[action]()
        assert AuditEntry.objects.about(entry).count() == 1 or action == "remove"
        return
    before = list(DictionaryEntry.objects.values())
    with pytest.raises(Refused, match=objection):
        act[action]()
    assert list(DictionaryEntry.objects.values()) == before


@pytest.mark.parametrize("person", ["supervisor", "manager", "executive", "nobody"])
@pytest.mark.parametrize("state", STATES)
def test_nobody_else_may_do_anything(person, state, company, request):
    entry, user = request.getfixturevalue(state), getattr(company, person)
    assert entry.can_edit(user).kind is Kind.NO_PERMISSION
    assert entry.can_remove(user).kind is Kind.NO_PERMISSION
    before = list(DictionaryEntry.objects.values())
    for act in (
        lambda: entry.edit(by=user, item="改过"),
        lambda: entry.remove(by=user),
        lambda: DictionaryEntry.create(by=user, category="行业", item="新能源", value="99"),
    ):
        with pytest.raises(Refused):
            act()
    assert list(DictionaryEntry.objects.values()) == before


def test_a_new_entry_is_in_the_trail(administrator):
    with transaction.atomic():
        entry = DictionaryEntry.create(by=administrator, category="行业", item="新能源", value="99")
    row = AuditEntry.objects.about(entry).get()
    assert (row.actor, row.verb, row.object_text) == (administrator, "新建", "新能源")
    assert row.changes == {"类别": ["", "行业"], "值": ["", "99"], "是否可编辑": ["", "是"]}


def test_a_change_is_in_the_trail_with_old_and_new_and_raises_the_version(administrator, spare):
    spare.edit(by=administrator, item="食品", value=spare.value)
    spare.refresh_from_db()
    assert (spare.item, spare.version) == ("食品", 1)
    assert AuditEntry.objects.about(spare).get().changes == {"条目": ["食品饮料", "食品"]}
    spare.edit(by=administrator, item="食品")
    assert AuditEntry.objects.about(spare).count() == 1  # nothing changed, nothing written


def test_a_deleted_entry_leaves_its_row_in_the_trail(administrator, spare):
    spare.remove(by=administrator)
    assert not DictionaryEntry.objects.filter(item="食品饮料").exists()
    row = AuditEntry.objects.latest("pk")
    assert (row.verb, row.object_text, row.changes) == ("删除", "食品饮料", {"类别": ["", "行业"], "值": ["", "5"]})


def test_every_relation_to_the_dictionary_is_looked_at():
    """Walked from the models, so that a new one cannot be forgotten."""
    known = {(relation.related_model._meta.label, relation.field.name) for relation in references()}
    assert {
        ("customers.Customer", "region"),
        ("customers.Customer", "level"),
        ("customers.Interaction", "kind"),
        ("customers.ChurnCase", "lost_kind"),
        ("marketing.Opportunity", "competitor"),
        ("accounts.User", "regions"),
        ("accounts.User", "industries"),
    } <= known
    assert not [label for label, _ in known if label.startswith("accounts.User_")]  # tables between are no place


def test_uses_name_every_place_and_how_often(used, spare):
    assert dict(used.uses()) == {"客户（地区）": "2", "销售机会（地区）": "1", "用户（负责分区）": "1"}
    assert spare.uses() == []


def test_a_deleted_customer_still_uses_its_entry(used, administrator):
    """It may be restored, and then needs its region."""
    Customer.objects.filter(region=used).update(deleted_at="2026-01-01T00:00Z")
    assert dict(used.uses())["客户（地区）"] == "2"
    assert DictionaryEntry.objects.with_use().get(pk=used.pk).in_use
    assert not used.can_remove(administrator)


def test_uses_are_counted_in_one_statement(used, django_assert_num_queries):
    with django_assert_num_queries(1):
        used.uses()


def test_in_use_says_the_same_as_counting(used, spare, fixed):
    factories.CustomerFactory(level=fixed)
    rows = DictionaryEntry.objects.with_use()
    assert {row.pk for row in rows if row.in_use} == {
        entry.pk for entry in DictionaryEntry.objects.all() if entry.uses()
    }
    assert rows.get(pk=used.pk).in_use
    assert not rows.get(pk=spare.pk).in_use


def test_a_used_entry_stays_in_its_category(administrator, used, spare):
    with pytest.raises(Refused, match=r"正在使用：.*客户（地区）2 条.*不能换到别的类别"):
        used.edit(by=administrator, category="行业", value="88")
    used.refresh_from_db()
    assert used.category == "地区"
    spare.edit(by=administrator, category="市场")
    assert spare.category == "市场"


def test_the_database_refuses_doubles_whoever_writes(administrator):
    with pytest.raises(IntegrityError), transaction.atomic():
        DictionaryEntry.create(by=administrator, category="行业", item="化工", value="99")


# The list


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"category": "竞争对手"}, ["进口品牌", "本地供应商", "客户自制"]),
        ({"item": "品牌"}, ["进口品牌"]),
        ({"category": "地区", "value": "2"}, ["华北"]),
        ({"category": "服务类型", "is_editable": "false"}, ["咨询", "建议", "投诉"]),
        ({"category": "服务类型", "is_editable": "true"}, []),
        ({"category": "地区", "sort": "-item"}, ["西部", "北京", "华北", "东北", "中南"]),
        ({"category": "没有的"}, []),
        ({"is_editable": "也许"}, []),
    ],
)
def test_each_filter_of_the_list(query, expected, admin):
    found = items(text(admin.get(LIST, query)))
    assert (found if "sort" not in query else set(found)) == (expected if "sort" not in query else set(expected))


def test_the_columns_are_those_of_the_specification(admin):
    html = text(admin.get(LIST))
    heads = [re.sub(r"<[^>]+>", "", head) for head in re.findall(r"<th scope.*?</th>", html, re.S)]
    assert heads[:5] == ["编号", "类别", "条目", "值", "是否可编辑"]
    assert "操作" in html


def test_the_categories_to_filter_by_are_the_existing_ones(admin):
    DictionaryEntry.objects.create(category="新类别", item="甲", value="1")
    choices = [label for _, label in admin.get(LIST).context["filter_form"].fields["category"].choices]
    assert "新类别" in choices
    assert choices.count("地区") == 1


def test_an_entry_that_may_not_be_deleted_says_why_in_its_row(admin, used, fixed):
    html = text(admin.get(LIST, {"category": "地区", "item": "中南"}))
    assert at(used, "edit") in html
    assert at(used, "delete") not in html
    assert "正在使用，不能删除。" in html
    html = text(admin.get(LIST, {"category": "客户等级", "item": "大客户", "is_editable": "false"}))
    assert at(fixed, "edit") not in html
    assert "固定条目（是否可编辑：否），不能修改。" in html


def test_who_only_views_gets_no_controls(company, sign_in, spare):
    for person in (company.supervisor, company.manager):
        client = sign_in(person)
        html = text(client.get(LIST, {"category": "行业"}))
        assert "食品饮料" in html
        assert "编辑</a>" not in html
        assert "新建条目" not in html
        assert client.get(at(spare, "edit")).status_code == 403
        assert client.post(NEW, values()).status_code == 403


def test_executives_see_no_dictionary(company, sign_in, spare):
    client = sign_in(company.executive)
    assert client.get(LIST).status_code == 403
    assert client.get(spare.get_absolute_url()).status_code == 404
    assert client.get(at(spare, "delete")).status_code == 404
    assert "数据字典" not in text(client.get("/"))


@pytest.mark.parametrize("more", [0, 60])
def test_the_list_takes_the_same_few_queries_with_many_entries(more, admin, company, django_assert_num_queries):
    for number in range(more):
        entry = DictionaryEntry.objects.create(category="行业", item=f"行业{number}", value=f"x{number}")
        if number % 2:
            factories.CustomerFactory(industry=entry, manager=company.manager)
    admin.get(LIST)
    with django_assert_num_queries(7):
        assert admin.get(LIST, {"category": "行业", "page_size": "100"}).status_code == 200


def test_the_count_asks_nothing_about_use(admin, django_assert_max_num_queries):
    with django_assert_max_num_queries(12) as captured:
        admin.get(LIST)
    counting = [query["sql"] for query in captured.captured_queries if "capped" in query["sql"]]
    assert counting
    assert not [sql for sql in counting if "EXISTS" in sql and "customers_customer" in sql and "basedata" in sql]


# One entry


def test_the_entrys_page_tells_an_administrator_where_it_is_used(admin, used):
    html = re.sub(r"\s", "", text(admin.get(used.get_absolute_url())))
    assert "客户（地区）</div><div>2条" in html
    assert "不能删除。" in html


def test_others_are_not_told_figures_of_other_peoples_records(company, sign_in, used):
    html = text(sign_in(company.stranger).get(used.get_absolute_url()))
    assert "中南" in html
    assert "客户（地区）" not in html
    assert "正在使用" not in html


# Creating


def test_a_new_entry_is_saved_and_offered_at_once(admin, company, sign_in):
    response = admin.post(NEW, values(), follow=True)
    assert response.redirect_chain == [("/basedata/dictionary/?category=%E8%A1%8C%E4%B8%9A", 302)]
    assert "保存成功" in text(response)
    assert "新能源" in items(text(response))
    assert "新能源" in text(sign_in(company.manager).get("/marketing/opportunities/new/"))


def test_a_new_category_is_free_text_and_the_known_ones_are_offered(admin):
    html = text(admin.get(NEW))
    assert 'list="categories"' in html
    offered = re.search(r'<datalist id="categories">(.*?)</datalist>', html, re.S)[1]
    assert re.findall(r'value="([^"]+)"', offered) == DictionaryEntry.objects.categories()
    admin.post(NEW, values(category="付款方式", item="月结", value="1"))
    assert DictionaryEntry.objects.of("付款方式").get().is_editable


@pytest.mark.parametrize("field", ["category", "item", "value"])
@pytest.mark.parametrize(
    ("sent", "message"),
    [("", "请填写。"), ("  ", "请填写。"), ("长" * 51, "50"), ("x" * 100_000, "50"), ("a\x00b", "控制字符")],
)
def test_a_wrong_value_is_refused_beside_its_field_and_stays_typed(field, sent, message, admin):
    before = DictionaryEntry.objects.count()
    response = admin.post(NEW, values(**{field: sent}))
    assert response.status_code == 200
    assert message in " ".join(errors(response)[field])
    assert sent.replace("\x00", "").strip()[:40] in text(response)
    assert DictionaryEntry.objects.count() == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"item": "化工"}, {"item": ["该类别下已有此条目。"]}),
        ({"value": "1"}, {"value": ["该类别下已有此值。"]}),
        ({"item": " 化工 ", "value": "1"}, {"item": ["该类别下已有此条目。"], "value": ["该类别下已有此值。"]}),
    ],
)
def test_doubles_are_refused_beside_the_field(changes, expected, admin):
    response = admin.post(NEW, values(**changes))
    assert errors(response) == expected


def test_a_double_of_the_same_moment_is_a_message_and_no_fault(admin, monkeypatch):
    """Somebody else saves the same entry between the form's check and the save."""
    original = DictionaryEntry.save

    def late(self, *args, **kwargs):
        DictionaryEntry.objects.bulk_create([DictionaryEntry(category=self.category, item=self.item, value="other")])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(DictionaryEntry, "save", late)
    response = admin.post(NEW, values())
    assert response.status_code == 409
    assert "与另一条刚刚保存的记录冲突" in text(response)
    assert "新能源" in text(response)
    assert AuditEntry.objects.filter(verb="新建", object_text="新能源").count() == 0


def test_the_form_sent_twice_makes_one_entry(admin):
    token = re.search(r'name="submission" value="([^"]+)"', text(admin.get(NEW)))[1]
    answers = [admin.post(NEW, values(submission=token)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert DictionaryEntry.objects.filter(item="新能源").count() == 1


def test_fields_that_the_form_does_not_show_cannot_be_set(admin):
    admin.post(NEW, values(id="1", pk="1", version="9"))
    entry = DictionaryEntry.objects.get(item="新能源")
    assert entry.pk != 1
    assert entry.version == 0


# Fixing an entry for good


def test_clearing_editable_asks_first(admin, spare):
    sent = opened(admin, spare)
    del sent["is_editable"]
    assert "confirm_fixed" not in text(admin.get(at(spare, "edit")))
    response = admin.post(at(spare, "edit"), {**sent, "item": "食品"})
    assert list(errors(response)) == ["confirm_fixed"]
    assert "保存后在页面上无法恢复" in text(response)
    assert 'type="checkbox" name="confirm_fixed"' in text(response)
    assert 'value="食品"' in text(response)
    spare.refresh_from_db()
    assert spare.is_editable
    assert spare.item == "食品饮料"
    response = admin.post(at(spare, "edit"), {**sent, "item": "食品", "confirm_fixed": "on"})
    assert response.status_code == 302
    spare.refresh_from_db()
    assert (spare.item, spare.is_editable) == ("食品", False)
    assert AuditEntry.objects.about(spare).get().changes["是否可编辑"] == ["是", "否"]
    assert admin.get(at(spare, "edit")).status_code == 409


def test_a_new_fixed_entry_asks_too_and_ticking_again_withdraws_the_question(admin):
    sent = values()
    del sent["is_editable"]
    assert list(errors(admin.post(NEW, sent))) == ["confirm_fixed"]
    assert not DictionaryEntry.objects.filter(item="新能源").exists()
    assert admin.post(NEW, values()).status_code == 302
    assert DictionaryEntry.objects.get(item="新能源").is_editable


# Changing


def test_a_rename_shows_everywhere_at_once(admin, company, sign_in, used):
    response = admin.post(at(used, "edit"), {**opened(admin, used), "item": "华中大区"})
    assert response.status_code == 302
    manager = sign_in(company.manager)
    for address in ("/customers/", "/marketing/opportunities/new/"):
        html = text(manager.get(address))
        assert "华中大区" in html
        assert "中南" not in html


@pytest.mark.parametrize(
    ("changes", "field"), [({"item": "化工"}, "item"), ({"value": "1"}, "value"), ({"category": "地区"}, "value")]
)
def test_a_change_into_a_double_is_refused_beside_the_field(changes, field, admin, spare):
    spare_value = spare.value
    response = admin.post(at(spare, "edit"), {**opened(admin, spare), **changes})
    assert list(errors(response)) == [field]
    spare.refresh_from_db()
    assert (spare.item, spare.value, spare.category) == ("食品饮料", spare_value, "行业")


def test_the_form_says_that_a_used_entry_stays_in_its_category(admin, used):
    response = admin.post(at(used, "edit"), {**opened(admin, used), "category": "区域"})
    assert list(errors(response)) == ["category"]
    assert "客户（地区）2 条" in errors(response)["category"][0]


@pytest.mark.parametrize("step", ["edit", "delete"])
def test_a_fixed_entry_is_refused_with_the_reason(step, admin, fixed):
    assert admin.get(at(fixed, step)).status_code == 409
    response = admin.post(at(fixed, step), values(category=fixed.category))  # used, so it stays in its category
    assert response.status_code == 409
    assert "固定条目" in text(response)
    assert DictionaryEntry.objects.filter(pk=fixed.pk, item="大客户").exists()


def test_the_refusal_leads_back_to_the_entry(admin, fixed):
    html = text(admin.get(at(fixed, "edit")))
    assert f'href="{fixed.get_absolute_url()}"' in html


def test_the_second_of_two_edits_is_refused_and_keeps_what_was_typed(admin, administrator, spare):
    mine = opened(admin, spare)
    spare.edit(by=administrator, item="别人改的")
    response = admin.post(at(spare, "edit"), {**mine, "item": "我改的"})
    assert response.status_code == 409
    assert "刚被别人改过" in text(response)
    assert "我改的" in text(response)
    assert "别人改的" in text(response)
    spare.refresh_from_db()
    assert spare.item == "别人改的"


def test_an_entry_fixed_meanwhile_is_no_longer_saved(admin, administrator, spare):
    mine = opened(admin, spare)
    spare.edit(by=administrator, is_editable=False)
    response = admin.post(at(spare, "edit"), {**mine, "item": "我改的"})
    assert response.status_code == 409
    assert "固定条目" in text(response)
    spare.refresh_from_db()
    assert spare.item == "食品饮料"


# Deleting


def test_deleting_asks_names_it_and_says_so(admin, spare):
    question = text(admin.get(at(spare, "delete")))
    assert "确认删除？" in question
    assert "数据字典：食品饮料" in question
    assert DictionaryEntry.objects.filter(pk=spare.pk).exists()
    response = admin.post(at(spare, "delete"), follow=True)
    assert "删除成功" in text(response)
    assert not DictionaryEntry.objects.filter(pk=spare.pk).exists()
    assert admin.post(at(spare, "delete")).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_used_entry_is_not_deleted_and_the_refusal_says_where_and_how_often(method, admin, used):
    response = getattr(admin, method)(at(used, "delete"))
    assert response.status_code == 409
    for place in ("客户（地区）2 条", "销售机会（地区）1 条", "用户（负责分区）1 条"):
        assert place in text(response)
    assert DictionaryEntry.objects.filter(pk=used.pk).exists()


def test_an_entry_taken_up_in_the_same_moment_is_a_message_and_no_fault(admin, used, monkeypatch):
    monkeypatch.setattr(DictionaryEntry, "uses", lambda self: [])
    response = admin.post(at(used, "delete"))
    assert response.status_code == 409
    assert DictionaryEntry.objects.filter(pk=used.pk).exists()
    assert not AuditEntry.objects.filter(verb="删除").exists()


# Around


def test_the_menu_leads_there(admin, company, sign_in):
    assert f'href="{LIST}"' in text(admin.get("/"))
    assert f'href="{LIST}"' in text(sign_in(company.manager).get("/"))
    assert reverse("basedata:dictionary_list") == LIST


def test_script_in_an_entry_is_shown_as_text(admin, administrator):
    script = "<script>alert(1)</script>"
    with transaction.atomic():
        entry = DictionaryEntry.create(by=administrator, category=script, item=script, value=script)
    for address in (LIST, f"{LIST}?page_size=100", entry.get_absolute_url(), at(entry, "edit"), at(entry, "delete")):
        assert "<script>alert" not in text(admin.get(address))
    assert "&lt;script&gt;alert" in text(admin.get(entry.get_absolute_url()))
