"""开发成功 and 终止开发 on screen: what is asked, what is to be chosen, and what is said afterwards."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Notification
from customers.models import Customer
from tests import factories
from tests.html import errors, find, links, markup, notices, text, texts
from tests.marketing.pages import at

pytestmark = pytest.mark.django_db


# Won


def test_winning_by_a_plain_post_succeeds_when_nothing_is_to_be_chosen(manager, assigned, company):
    factories.plan_item(assigned, company.manager, result="客户同意")
    response = manager.post(at(assigned, "win/"), follow=True)
    assert response.redirect_chain == [(at(assigned), 302)]
    assert notices(response) == ["客户开发成功，已添加新客户记录。"]
    customer = Customer.objects.get()
    assert (customer.name, customer.manager) == (assigned.customer_name, company.manager)
    assert f"{customer.name}（{customer.number}）" in response.content.decode()


def test_winning_asks_first_and_lists_the_items_without_result(manager, assigned, company):
    factories.plan_item(assigned, company.manager, text="试装三台")
    factories.plan_item(assigned, company.manager, text="已经做完的事", result="好")
    html = manager.get(at(assigned, "win/")).content.decode()
    assert "确认开发成功？" in html
    assert "“销售机会：压力变送器改造”" in html
    warning = find(html, ".msg.amber", containing="还有 1 个计划项没有执行效果")
    assert [item.partition(" ")[2] for item in texts(warning, "li")] == ["试装三台"]


def test_winning_without_any_item_needs_a_reason(manager, assigned):
    response = manager.post(at(assigned, "win/"))
    assert errors(response) == ["还没有任何计划项，请说明为什么可以记为开发成功。"]
    assert Customer.objects.count() == 0
    assert notices(manager.post(at(assigned, "win/"), {"reason": "老客户直接下单"}, follow=True)) == [
        "客户开发成功，已添加新客户记录。"
    ]


def test_a_same_named_customer_brings_the_choice_page_even_after_a_plain_post(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    own = factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.manager)
    response = manager.post(at(assigned, "win/"))
    assert response.status_code == 200
    assert "已有同名客户" in text(find(response, "#id_choice"))
    assert links(response, "#id_choice a") == [(f"{own.name}（{own.number}）", own.get_absolute_url())]
    assert find(response, f'input[name=choice][value="link:{own.pk}"]') is not None
    assert Customer.objects.count() == 1


def test_a_same_named_customer_outside_ones_view_shows_name_manager_and_since_when_only(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    hidden = factories.CustomerFactory(
        name="沈阳北辰重型机械有限公司", manager=company.stranger, address="保密的地址", phone="139-0000"
    )
    page = manager.get(at(assigned, "win/"))
    day = timezone.localtime(hidden.created_at)
    since = f"{day.year}年{day.month}月{day.day}日起"
    assert texts(page, "#id_choice li") == [f"沈阳北辰重型机械有限公司，客户经理 外人甲，{since}"]
    for word in (hidden.number, hidden.get_absolute_url(), f"link:{hidden.pk}", "保密的地址", "139-0000", "海外部"):
        assert word not in markup(page)


def test_a_same_named_customer_one_sees_but_may_not_edit_is_no_choice(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    visible = factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.colleague)
    html = manager.get(at(assigned, "win/")).content.decode()
    assert visible.number in html
    assert f"link:{visible.pk}" not in html


def test_linking_closes_onto_the_existing_customer(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    own = factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.manager)
    response = manager.post(at(assigned, "win/"), {"choice": f"link:{own.pk}"}, follow=True)
    assert notices(response) == ["客户开发成功，已关联到已有客户。"]
    assigned.refresh_from_db()
    assert (assigned.status, assigned.customer) == ("won", own)
    assert Customer.objects.count() == 1


def test_creating_anyway_needs_a_reason_that_the_supervisor_is_told(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.colleague)
    refused = manager.post(at(assigned, "win/"), {"choice": "create"})
    assert "请填写仍要新建的原因" in errors(refused)[0]
    response = manager.post(at(assigned, "win/"), {"choice": "create", "create_anyway": "另一家工厂"}, follow=True)
    assert notices(response) == ["客户开发成功，已添加新客户记录。"]
    assert Customer.objects.count() == 2
    assert "另一家工厂" in Notification.objects.get(recipient=company.supervisor, text__contains="同名").text
    assert not Notification.objects.filter(recipient=company.outsider).exists()


def test_a_customer_that_appears_after_the_question_brings_the_choice(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    manager.get(at(assigned, "win/"))
    factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.manager)
    response = manager.post(at(assigned, "win/"), {"choice": ""})
    assert "已有同名客户，请选择关联到它，或说明原因后新建。" in errors(response)


def test_a_same_name_out_of_reach_is_not_offered_for_linking(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.stranger)
    response = manager.post(at(assigned, "win/"), {"choice": ""})
    assert errors(response) == ["已有同名客户，不在您的编辑范围内，请说明原因后新建。"]


# Lost


def test_ending_the_development_needs_a_reason(manager, assigned):
    response = manager.post(at(assigned, "lose/"), {"reason": "  "})
    assert errors(response) == ["请填写。"]
    assigned.refresh_from_db()
    assert assigned.status == "assigned"


def test_ending_the_development_says_so_and_keeps_reason_and_competitor(manager, assigned):
    competitor = factories.entry("竞争对手", "进口品牌")
    html = manager.get(at(assigned, "lose/")).content.decode()
    assert "确认终止开发“销售机会：压力变送器改造”？" in html
    response = manager.post(at(assigned, "lose/"), {"reason": "价格太高", "competitor": competitor.pk}, follow=True)
    assert notices(response) == ["开发失败，已归档。"]
    assigned.refresh_from_db()
    assert (assigned.status, assigned.lost_reason, assigned.competitor) == ("lost", "价格太高", competitor)
    assert "价格太高" in response.content.decode()
