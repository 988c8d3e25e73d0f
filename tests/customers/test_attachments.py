"""Attachments: what is taken in, how it is served, when its file goes."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from crm.verdict import Refused
from customers import attachments
from customers.models import Attachment, Interaction
from tests import factories

pytestmark = pytest.mark.django_db


def office(*members: str, size: int = 10) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, b"\0" * size)
    return content.getvalue()


TYPES, WORD = "[Content_Types].xml", "word/document.xml"
PDF = b"%PDF-1.7 x"
GOOD = {
    "a.pdf": PDF,
    "A.PDF": PDF,
    "a.png": b"\x89PNG\r\n\x1a\n1",
    "a.jpeg": b"\xff\xd8\xff\xe0",
    "a.gif": b"GIF89a1",
    "a.webp": b"RIFF\x01\x02\x03\x04WEBPVP8 ",
    "a.docx": office(TYPES, WORD),
    "a.xlsx": office(TYPES, "xl/workbook.xml"),
    "a.pptx": office(TYPES, "ppt/presentation.xml"),
    "a.txt": "会议纪要".encode(),
    "b.txt": "会议纪要".encode("gb18030"),
    "c.txt": "会议纪要".encode("utf-16"),
    "a.csv": b"a,b\r\n1,2\r\n",
}
BAD = {
    "page.html": b"<html><script>1</script>",
    "page.txt": b"  <!DOCTYPE html><html>",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'>",
    "drawing.txt": b"<svg onload=alert(1)>",
    "page.pdf": b"<html>",
    "program.exe": b"MZ\x90\x00",
    "program.txt": b"MZ\x90\x00",
    "program.pdf": b"MZ\x90\x00",
    "really.exe": PDF,
    "a.png": PDF,
    "archive.zip": office("a.txt"),
    "archive.docx": office("a.txt"),
    "other.xlsx": office(TYPES, WORD),
    "macro.docx": office(TYPES, WORD, "word/vbaProject.bin"),
    "broken.docx": b"PK\x03\x04broken",
    "none": b"text",
    "empty.txt": b"",
}


def upload(name, content):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def talk(company):
    customer = factories.CustomerFactory(name="济南泉城水务有限公司", manager=company.manager, by=company.manager)
    return factories.interaction(customer, company.manager)


@pytest.fixture
def manager(company, sign_in):
    return sign_in(company.manager)


def at(talk, step="attachments/"):
    return f"/customers/{talk.customer_id}/interactions/{talk.pk}/{step}"


def errors(response):
    found = re.findall(r'<p class="err[^>]*>(.*?)</p>', response.content.decode())
    return [re.sub(r"<[^>]+>", "", text) for text in found]


@pytest.mark.parametrize("name", GOOD)
def test_what_may_be_attached(name):
    checked = attachments.check(upload(name, GOOD[name]))
    assert checked.content_type
    assert checked.file.read() == GOOD[name]  # read from the beginning when it is written


@pytest.mark.parametrize("name", BAD)
def test_what_may_not_be_attached_is_named(name):
    with pytest.raises(ValidationError, match=re.escape(name)):
        attachments.check(upload(name, BAD[name]))


def test_an_archive_that_unpacks_to_too_much_is_refused_from_its_directory(monkeypatch):
    monkeypatch.setattr(attachments, "MAX_UNPACKED", 1000)
    attachments.check(upload("a.docx", office(TYPES, WORD, size=400)))
    with pytest.raises(ValidationError, match="解压后超过"):
        attachments.check(upload("a.docx", office(TYPES, WORD, size=600)))


def test_a_long_name_keeps_its_suffix():
    name = attachments.short_name("报告" * 200 + ".pdf")
    assert (len(name), name[-4:]) == (200, ".pdf")
    assert attachments.short_name("..\\..\\a/b.txt") == "b.txt"


def test_files_come_with_a_new_interaction(manager, talk, settings):
    sent = {
        "on": "2026-03-01",
        "kind": talk.kind_id,
        "summary": "带附件",
        "files": [upload("报告.pdf", PDF), upload("纪要.txt", b"text")],
    }
    response = manager.post(f"/customers/{talk.customer_id}/interactions/new/", sent)
    assert response.status_code == 302
    made = Interaction.objects.get(summary="带附件")
    assert [(one.name, one.content_type, one.size) for one in made.attachments.all()] == [
        ("报告.pdf", "application/pdf", len(PDF)),
        ("纪要.txt", "text/plain", 4),
    ]
    for one in made.attachments.all():
        assert Path(settings.MEDIA_ROOT, one.file.name).exists()
        assert re.fullmatch(r"attachments/\d{6}/[0-9a-f]{32}\.(pdf|txt)", one.file.name)


def test_a_file_too_large_is_said_beside_the_field_and_the_text_is_kept(manager, talk, settings):
    settings.CRM_ATTACHMENT_MAX_MB = 1
    big = upload("大.pdf", PDF + b"\0" * 7 * 1024 * 1024)  # more than Django keeps of a form without files
    sent = {"on": "2026-03-01", "kind": talk.kind_id, "summary": "写好的概要", "files": [big]}
    response = manager.post(f"/customers/{talk.customer_id}/interactions/new/", sent)
    assert response.status_code == 200
    assert errors(response) == ["「大.pdf」超过 1 MB，请压缩或拆分后再传。"]
    assert "写好的概要" in response.content.decode()
    assert Interaction.objects.count() == 1
    big.seek(0)
    assert errors(manager.post(at(talk), {"files": [big]})) == ["「大.pdf」超过 1 MB，请压缩或拆分后再传。"]


def test_files_chosen_with_an_error_elsewhere_are_asked_for_again(manager, talk):
    sent = {"on": "2026-03-01", "kind": talk.kind_id, "summary": "", "files": [upload("a.pdf", PDF)]}
    response = manager.post(f"/customers/{talk.customer_id}/interactions/new/", sent)
    assert "浏览器不保留已选的文件，请重新选择附件。" in errors(response)
    assert not Attachment.objects.exists()


def test_at_most_ten(company, manager, talk):
    for number in range(9):
        factories.attachment(talk, company.manager, name=f"{number}.pdf")
    two = {"files": [upload("x.pdf", PDF), upload("y.pdf", PDF)]}
    refused = manager.post(at(talk), two)
    assert refused.status_code == 409
    assert "最多 10 个附件，已有 9 个" in refused.content.decode()
    assert manager.post(at(talk), {"files": [upload("x.pdf", PDF)]}).status_code == 302
    assert talk.attachments.count() == 10
    with pytest.raises(Refused):
        factories.attachment(talk, company.manager)
    assert errors(
        manager.post(f"/customers/{talk.customer_id}/interactions/new/", {"files": [upload("a.pdf", PDF)] * 11})
    )


def test_no_file_is_left_behind_when_one_cannot_be_kept(company, talk, settings, monkeypatch):
    files = [attachments.check(upload(name, PDF)) for name in ("a.pdf", "b.pdf")]
    save = Attachment.save

    def fail(self, *args, **kwargs):
        if self.name == "b.pdf":
            raise OSError("disk full")
        save(self, *args, **kwargs)

    monkeypatch.setattr(Attachment, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        talk.attach(by=company.manager, files=files)
    assert not Attachment.objects.exists()
    assert [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()] == []


def test_it_is_served_as_a_download_under_its_own_name(company, manager, talk):
    file = factories.attachment(talk, company.manager, GOOD["a.png"], '图 "1"<b>.png')
    response = manager.get(f"/customers/{talk.customer_id}/attachments/{file.pk}/")
    assert b"".join(response.streaming_content) == GOOD["a.png"]
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    disposition = response["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "filename*=utf-8''%E5%9B%BE" in disposition
    assert "\n" not in disposition
    page = manager.get(talk.get_absolute_url()).content.decode()
    assert "<b>.png" not in page
    assert "&lt;b&gt;.png" in page


def test_it_is_served_to_whoever_sees_the_customer_and_to_nobody_else(company, talk, sign_in):
    file = factories.attachment(talk, company.manager)
    other = factories.CustomerFactory(manager=company.manager)
    address = f"/customers/{talk.customer_id}/attachments/{file.pk}/"
    answers = {
        who: sign_in(getattr(company, who)).get(address).status_code
        for who in ("colleague", "executive", "stranger", "nobody")
    }
    assert answers == {"colleague": 200, "executive": 200, "stranger": 404, "nobody": 404}
    assert sign_in(company.manager).get(f"/customers/{other.pk}/attachments/{file.pk}/").status_code == 404
    talk.customer.deleted_at = talk.created_at
    talk.customer.save()
    assert sign_in(company.manager).get(address).status_code == 404


def test_a_file_that_is_missing_on_the_disk_is_not_found(company, manager, talk):
    file = factories.attachment(talk, company.manager)
    file.file.storage.delete(file.file.name)
    assert manager.get(f"/customers/{talk.customer_id}/attachments/{file.pk}/").status_code == 404


def test_the_file_goes_after_the_row_is_surely_gone(company, talk, settings, django_capture_on_commit_callbacks):
    file = factories.attachment(talk, company.manager)
    path = Path(settings.MEDIA_ROOT, file.file.name)
    with transaction.atomic():
        file.remove(by=company.manager)
        transaction.set_rollback(True)
    assert path.exists()
    file = Attachment.objects.get()
    with pytest.raises(Refused):
        file.remove(by=company.colleague)
    with django_capture_on_commit_callbacks(execute=True):
        file.remove(by=company.manager)
        assert path.exists()
    assert not path.exists()
    second = factories.attachment(talk, company.manager)
    with django_capture_on_commit_callbacks(execute=True):
        talk.remove(by=company.manager)
    assert not Path(settings.MEDIA_ROOT, second.file.name).exists()


def test_deleting_asks_first_and_leads_back(company, manager, talk):
    file = factories.attachment(talk, company.manager)
    address = f"/customers/{talk.customer_id}/attachments/{file.pk}/delete/"
    assert "确认删除？" in manager.get(address).content.decode()
    assert manager.post(address)["Location"] == talk.get_absolute_url()
    assert not Attachment.objects.exists()
