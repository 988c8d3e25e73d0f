"""数据字典 on screen: the list, one entry, creating, fixing for good, changing and deleting."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from basedata.models import DictionaryEntry
from kit.audit.models import AuditEntry
from tests import factories
from tests.html import choices, find, find_all, markup, notices, text, texts, urls, value

pytestmark = pytest.mark.django_db

LIST = "/basedata/dictionary/"
NEW = "/basedata/dictionary/new/"


def at(entry, step):
    return f"{LIST}{entry.pk}/{step}/"


def items(page):
    """Return the entries listed, in order."""
    return texts(page, "table.tbl td.m-t > a[href]")


def errors(response):
    """{field: messages} that stand beside the fields."""
    return {name: list(found) for name, found in response.context["form"].errors.items()}


def values(**changes):
    return {"category": "行业", "item": "新能源", "value": "99", "is_editable": "on", **changes}


def opened(client, entry):
    return {
        "category": entry.category,
        "item": entry.item,
        "value": entry.value,
        "is_editable": "on",
        "opened": value(client.get(at(entry, "edit")), "opened"),
    }


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
    found = items(admin.get(LIST, query))
    assert (found if "sort" not in query else set(found)) == (expected if "sort" not in query else set(expected))


def test_the_columns_are_those_of_the_specification(admin):
    heads = texts(admin.get(LIST), "table.tbl th[scope=col]")
    assert heads[:5] == ["类别", "条目", "值", "是否可编辑", "编号"]
    assert heads[-1] == "操作"


def test_the_categories_to_filter_by_are_the_existing_ones(admin):
    DictionaryEntry.objects.create(category="新类别", item="甲", value="1")
    choices = [label for _, label in admin.get(LIST).context["filter_form"].fields["category"].choices]
    assert "新类别" in choices
    assert choices.count("地区") == 1


def test_an_entry_that_may_not_be_deleted_says_why_in_its_row(admin, used, fixed):
    page = admin.get(LIST, {"category": "地区", "item": "中南"})
    row = find(page, "table.tbl tbody tr")
    assert at(used, "edit") in urls(row)
    assert at(used, "delete") not in markup(page)
    assert "正在使用，不能删除。" in text(row)
    page = admin.get(LIST, {"category": "客户等级", "item": "大客户", "is_editable": "false"})
    assert at(fixed, "edit") not in markup(page)
    assert "固定条目（是否可编辑：否），不能修改。" in text(find(page, "table.tbl tbody tr"))


def test_who_only_views_gets_no_controls(company, sign_in, spare):
    for person in (company.supervisor, company.manager):
        client = sign_in(person)
        page = client.get(LIST, {"category": "行业"})
        assert "食品饮料" in items(page)
        assert "编辑" not in texts(page, "main a")
        assert "新建条目" not in markup(page)
        assert client.get(at(spare, "edit")).status_code == 403
        assert client.post(NEW, values()).status_code == 403


def test_executives_see_no_dictionary(company, sign_in, spare):
    client = sign_in(company.executive)
    assert client.get(LIST).status_code == 403
    assert client.get(spare.get_absolute_url()).status_code == 404
    assert client.get(at(spare, "delete")).status_code == 404
    assert "数据字典" not in markup(client.get("/"))


@pytest.mark.parametrize("more", [0, 60])
def test_the_list_takes_the_same_few_queries_with_many_entries(more, admin, company, django_assert_num_queries):
    for number in range(more):
        entry = DictionaryEntry.objects.create(category="行业", item=f"行业{number}", value=f"x{number}")
        if number % 2:
            factories.CustomerFactory(industry=entry, manager=company.manager)
    admin.get(LIST)
    with django_assert_num_queries(8):
        assert admin.get(LIST, {"category": "行业", "page_size": "100"}).status_code == 200


def test_the_count_asks_nothing_about_use(admin, django_assert_max_num_queries):
    with django_assert_max_num_queries(12) as captured:
        admin.get(LIST)
    counting = [query["sql"] for query in captured.captured_queries if "capped" in query["sql"]]
    assert counting
    assert not [sql for sql in counting if "EXISTS" in sql and "customers_customer" in sql and "basedata" in sql]


# One entry


def test_the_entrys_page_tells_an_administrator_where_it_is_used(admin, used):
    page = admin.get(used.get_absolute_url())
    assert texts(find(page, "ul.rows li", containing="客户（地区）"), "div") == ["客户（地区）", "2 条"]
    assert "不能删除。" in text(find(page, "main .ctl", containing="删除"))


def test_others_are_not_told_figures_of_other_peoples_records(company, sign_in, used):
    html = markup(sign_in(company.stranger).get(used.get_absolute_url()))
    assert "中南" in html
    assert "客户（地区）" not in html
    assert "正在使用" not in html


# Creating


def test_a_new_entry_is_saved_and_offered_at_once(admin, company, sign_in):
    response = admin.post(NEW, values(), follow=True)
    assert response.redirect_chain == [("/basedata/dictionary/?category=%E8%A1%8C%E4%B8%9A", 302)]
    assert notices(response) == ["保存成功"]
    assert "新能源" in items(response)
    form = sign_in(company.manager).get("/marketing/opportunities/new/")
    assert "新能源" in dict(map(reversed, choices(form, "industry")))


def test_a_new_category_is_free_text_and_the_known_ones_are_offered(admin):
    page = admin.get(NEW)
    assert find(page, "input[name=category]").get("list") == "categories"
    offered = [option.get("value") for option in find_all(page, "datalist#categories option")]
    assert offered == DictionaryEntry.objects.categories()
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
    assert value(response, field).strip() == sent.replace("\x00", "\ufffd").strip()  # as a browser shows it
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
    assert value(response, "item") == "新能源"
    assert AuditEntry.objects.filter(verb="新建", object_text="新能源").count() == 0


def test_the_form_sent_twice_makes_one_entry(admin):
    token = value(admin.get(NEW), "submission")
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
    assert "confirm_fixed" not in markup(admin.get(at(spare, "edit")))
    response = admin.post(at(spare, "edit"), {**sent, "item": "食品"})
    assert list(errors(response)) == ["confirm_fixed"]
    assert "保存后在页面上无法恢复" in text(response)
    assert find(response, "[name=confirm_fixed]").get("type") == "checkbox"
    assert value(response, "item") == "食品"
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
    listed, form = manager.get("/customers/"), manager.get("/marketing/opportunities/new/")
    assert "华中大区" in text(find(listed, "form.qf"))
    assert "华中大区" in [label for _, label in choices(form, "region")]
    assert "中南" not in markup(listed) + markup(form)


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
    assert fixed.get_absolute_url() in urls(admin.get(at(fixed, "edit")), "main a")


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
    for client in (admin, sign_in(company.manager)):
        assert LIST in urls(client.get("/"), ".side nav a")
    assert reverse("basedata:dictionary_list") == LIST


def test_script_in_an_entry_is_shown_as_text(admin, administrator):
    script = "<script>alert(1)</script>"
    with transaction.atomic():
        entry = DictionaryEntry.create(by=administrator, category=script, item=script, value=script)
    for address in (LIST, f"{LIST}?page_size=100", entry.get_absolute_url(), at(entry, "edit"), at(entry, "delete")):
        assert find_all(admin.get(address), "script:not([src])") == []
    assert text(find(admin.get(entry.get_absolute_url()), "h1")) == script
