"""Pages travel compressed; files as they are."""

from __future__ import annotations

import gzip

import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


def test_a_page_is_compressed_for_browsers_that_take_it_and_of_another_length_each_time(company, sign_in):
    client = sign_in(company.manager)
    plain = client.get("/").content
    answers = [client.get("/", headers={"accept-encoding": "gzip"}) for _ in range(8)]
    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert all("Accept-Encoding" in answer["Vary"] for answer in answers)
    assert "工作台" in gzip.decompress(answers[0].content).decode()
    assert max(len(answer.content) for answer in answers) < len(plain) / 2
    assert len({len(answer.content) for answer in answers}) > 1  # padded at random: the length tells nothing (BREACH)


def test_a_file_is_sent_as_it_is(company, sign_in):
    factories.CustomerFactory(manager=company.manager)
    url = reverse("customers:customer_list")
    answer = sign_in(company.manager).post(url, {"export": "csv"}, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert not answer["Content-Type"].startswith("text/html")
    assert "Content-Encoding" not in answer.headers
