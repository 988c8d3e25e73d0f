"""A closed opportunity is shared with nobody any more; what was shared before is still withdrawn."""

from __future__ import annotations

import pytest

from tests import factories
from tests.html import markup, notices, urls

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(company):
    """开发成功, shared with a colleague while it was open."""
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    record.share(company.eastern, by=company.manager, kind="view")
    record.win(by=company.manager, reason="客户已下单")
    return record


def withdraw_url(record):
    return f"{record.get_absolute_url()}share/{record.grants.get().pk}/withdraw/"


def test_a_share_of_a_closed_opportunity_is_refused_with_the_reason(closed, company, sign_in):
    client, url = sign_in(company.manager), f"{closed.get_absolute_url()}share/"
    for answer in (client.get(url), client.post(url, {"person": company.colleague.pk, "access": "view"})):
        assert answer.status_code == 409
        assert "机会已开发成功，只能查看，不能共享。" in markup(answer)
    assert closed.grants.count() == 1


@pytest.mark.parametrize("person", ["manager", "supervisor"])
def test_the_page_of_a_closed_opportunity_leads_to_the_withdrawal(person, closed, company, sign_in):
    client, url = sign_in(getattr(company, person)), withdraw_url(closed)
    assert url in urls(client.get(closed.get_absolute_url()))
    assert closed.get_absolute_url() in urls(client.get(url))
    answer = client.post(url, follow=True)
    assert answer.redirect_chain == [(closed.get_absolute_url(), 302)]
    assert "已取消共享" in notices(answer)[0]
    assert not closed.grants.exists()


def test_others_read_the_shares_and_are_offered_nothing(closed, company, sign_in):
    client, url = sign_in(company.colleague), withdraw_url(closed)
    html = markup(client.get(closed.get_absolute_url()))
    assert "王华东" in html
    assert url not in html
    assert client.post(url).status_code == 403
    assert closed.grants.count() == 1


def test_the_page_of_an_open_opportunity_leads_to_its_own_page_of_shares(company, sign_in):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    record.share(company.eastern, by=company.manager, kind="view")
    page = sign_in(company.manager).get(record.get_absolute_url())
    assert f"{record.get_absolute_url()}share/" in urls(page)
    assert withdraw_url(record) not in markup(page)
