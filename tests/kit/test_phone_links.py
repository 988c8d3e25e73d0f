"""The address by which a browser rings a number; none for what is not plainly one."""

from __future__ import annotations

import pytest

from kit.domain.phone_links import dial_url, mail_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("024-5555 6610", "tel:02455556610"),
        ("（024）5555 6610", "tel:02455556610"),
        ("+86 138 0000 1111", "tel:+8613800001111"),
        ("１３８００００１１１１", "tel:13800001111"),
        ("024-5555 6610 转 8001", "tel:02455556610"),
        ("024-55556610*8001", "tel:02455556610"),
        ("024-5555 6610、5555 6611", "tel:02455556610"),
        ("024-5555 6610 024-5555 6611", ""),
        ("024-5555 6610（2楼）", ""),
        ("8001", ""),
        ("见名片", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_number_is_dialled_without_its_extension_and_nothing_else_is(text, url):
    assert dial_url(text) == url


def test_an_address_cannot_add_a_subject_or_another_recipient():
    assert mail_url("gao@example.com") == "mailto:gao@example.com"
    assert mail_url("a?subject=x&bcc=b@c.cn") == "mailto:a%3Fsubject%3Dx%26bcc%3Db@c.cn"
