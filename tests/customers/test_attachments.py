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

from customers.interactions import attachments, file_kinds
from customers.models import Attachment, Interaction
from kit.domain.verdict import Refused
from tests import factories
from tests.html import errors, text

pytestmark = pytest.mark.django_db


def office(*members: str, size: int = 10) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, b"\0" * size)
    return content.getvalue()


def ole(*streams: str) -> bytes:
    """A document of Office 97 to 2003: header, and a directory entry of 128 bytes for each stream."""
    entries = b""
    for stream in ("Root Entry", *streams):
        name = f"{stream}\0".encode("utf-16-le")
        entries += name.ljust(64, b"\0") + len(name).to_bytes(2, "little") + b"\2" + b"\0" * 61
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + entries


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
    "a.jfif": b"\xff\xd8\xff\xe0",
    "a.bmp": b"BM\x46\x00\x00\x00\0\0\0\0\x36",
    "a.tif": b"II*\0\x08",
    "IMG_0001.HEIC": b"\0\0\0\x24ftypheic\0\0\0\0mif1heic",
    "a.heif": b"\0\0\0\x24ftypmif1\0\0\0\0mif1",
    "a.mp4": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2mp41",
    "a.mov": b"\0\0\0\x14ftypqt  \0\0\0\0",
    "a.m4a": b"\0\0\0\x1cftypM4A \0\0\0\0",
    "voice.amr": b"#!AMR\n\x3c",
    "voice.silk": b"\x02#!SILK_V3",
    "a.mp3": b"ID3\x04\0",
    "a.wav": b"RIFF\1\2\3\4WAVEfmt ",
    "a.rtf": b"{\\rtf1\\ansi}",
    "invoice.ofd": office("OFD.xml", "Doc_0/Document.xml"),
    "a.doc": ole("WordDocument"),
    "a.xls": ole("Workbook"),
    "1995.xls": ole("Book"),
    "a.ppt": ole("PowerPoint Document"),
    "a.wps": ole("WordDocument"),
    "a.et": ole("Workbook"),
    "with a table inside.doc": ole("Workbook", "WordDocument"),
}
RENAMED = {  # what is sent: (its content, as what it is kept)
    "photo.jpg": (GOOD["a.png"], "photo.png"),
    "PHOTO.JPG": (GOOD["a.png"], "PHOTO.png"),
    "IMG_1.jpg": (GOOD["IMG_0001.HEIC"], "IMG_1.heic"),
    "a.png": (PDF, "a.pdf"),
    "other.xlsx": (GOOD["a.docx"], "other.docx"),
    "old.xlsx": (GOOD["a.xls"], "old.xls"),
    "new.doc": (GOOD["a.docx"], "new.docx"),
    "letter.doc": (GOOD["a.rtf"], "letter.rtf"),
    "mmexport1700000000": (GOOD["a.jpeg"], "mmexport1700000000.jpg"),
    "报告 v1.2": (PDF, "报告 v1.2.pdf"),
    "table.txt": (GOOD["a.xlsx"], "table.xlsx"),
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
    "archive.zip": office("a.txt"),
    "archive.docx": office("a.txt"),
    "macro.docx": office(TYPES, WORD, "word/vbaProject.bin"),
    "macro.doc": ole("WordDocument", "_VBA_PROJECT"),
    "locked.docx": ole("EncryptedPackage"),
    "web.xls": b"<html><table>",
    "web.doc": "\ufeff<html>".encode("utf-16"),
    "archive.rar": b"Rar!\x1a\x07\x01\0",
    "archive.7z": b"7z\xbc\xaf\x27\x1c",
    "text.jpg": b"text",
    "nothing.doc": ole("Something"),
    "page.hta": PDF,
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


def at(talk, step="attachments/"):
    return f"/customers/{talk.customer_id}/interactions/{talk.pk}/{step}"


@pytest.mark.parametrize("name", GOOD)
def test_what_may_be_attached(name):
    checked = attachments.check_upload(upload(name, GOOD[name]))
    assert checked.content_type
    assert checked.name == name
    assert not attachments.describe_renames([checked])
    assert checked.file.read() == GOOD[name]  # read from the beginning when it is written


@pytest.mark.parametrize("name", BAD)
def test_what_may_not_be_attached_is_named(name):
    with pytest.raises(ValidationError, match=re.escape(name)):
        attachments.check_upload(upload(name, BAD[name]))


@pytest.mark.parametrize("name", RENAMED)
def test_a_file_is_named_after_its_content_and_the_user_is_told(name):
    content, kept = RENAMED[name]
    checked = attachments.check_upload(upload(name, content))
    assert checked.name == kept
    assert attachments.describe_renames([checked]) == f"「{name}」已按内容改名为「{kept}」。"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("archive.zip", "解压后把文件逐个上传"),
        ("archive.7z", "解压后把文件逐个上传"),
        ("macro.docx", "另存为不带宏的"),
        ("macro.doc", "另存为不带宏的"),
        ("locked.docx", "去掉密码"),
        ("web.xls", "另存为 xlsx"),
        ("really.exe", "是程序或脚本"),
        ("text.jpg", "请另存为 PDF 再上传"),
    ],
)
def test_a_refusal_says_what_to_do(name, words):
    with pytest.raises(ValidationError, match=words):
        attachments.check_upload(upload(name, BAD[name]))


def test_the_name_of_a_stream_in_running_text_makes_no_document():
    plain = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(513, b"\0") + "WordDocument\0".encode("utf-16-le")
    with pytest.raises(ValidationError):
        attachments.check_upload(upload("a.doc", plain))


def test_a_renamed_picture_is_stored_served_and_reported_under_its_correct_name(manager, talk):
    answer = manager.post(at(talk), {"files": [upload("photo.jpg", GOOD["a.png"])]}, follow=True)
    assert "上传成功。「photo.jpg」已按内容改名为「photo.png」。" in answer.content.decode()
    file = talk.attachments.get()
    assert (file.name, file.content_type, Path(file.file.name).suffix) == ("photo.png", "image/png", ".png")
    response = manager.get(f"/customers/{talk.customer_id}/attachments/{file.pk}/")
    assert response["Content-Disposition"] == 'attachment; filename="photo.png"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_an_archive_that_unpacks_to_too_much_is_refused_from_its_directory(monkeypatch):
    monkeypatch.setattr(file_kinds, "MAX_UNPACKED", 1000)
    attachments.check_upload(upload("a.docx", office(TYPES, WORD, size=400)))
    with pytest.raises(ValidationError, match="解压后超过"):
        attachments.check_upload(upload("a.docx", office(TYPES, WORD, size=600)))


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
    files = [attachments.check_upload(upload(name, PDF)) for name in ("a.pdf", "b.pdf")]
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
    page = manager.get(talk.get_absolute_url())
    assert "<b>.png" not in page.content.decode()
    assert "<b>.png" in text(page)


def test_a_file_is_served_only_to_users_who_see_the_customer(company, talk, sign_in):
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
    assert Path(settings.MEDIA_ROOT, second.file.name).exists()  # it may come back, see test_undo.py


def test_deleting_asks_first_and_leads_back(company, manager, talk):
    file = factories.attachment(talk, company.manager)
    address = f"/customers/{talk.customer_id}/attachments/{file.pk}/delete/"
    assert "确认删除？" in manager.get(address).content.decode()
    assert manager.post(address)["Location"] == talk.get_absolute_url()
    assert not Attachment.objects.exists()
