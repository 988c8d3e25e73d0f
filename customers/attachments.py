"""What may be attached: known by its content, named as such, small enough, and served as a download only."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File

from crm.file_names import cut
from crm.folding import clean_text
from crm.ui.gate import UNPRINTABLE, refuse_control_characters

MEGABYTE = 1024 * 1024
MAX_FILES = 10  # per interaction
MAX_UNPACKED = 200 * MEGABYTE
MAX_MEMBERS = 5000
ACCEPT = ".pdf,.png,.jpg,.jpeg,.gif,.webp,.docx,.xlsx,.pptx,.txt,.csv"
KINDS = "PDF、图片（PNG、JPEG、GIF、WebP）、Word/Excel/PowerPoint（docx、xlsx、pptx）、文本（txt、csv）"

# (start of the content, its type, the suffixes it may bear)
SIGNATURES = (
    (rb"%PDF-", "application/pdf", (".pdf",)),
    (rb"\x89PNG\r\n\x1a\n", "image/png", (".png",)),
    (rb"\xff\xd8\xff", "image/jpeg", (".jpg", ".jpeg")),
    (rb"GIF8[79]a", "image/gif", (".gif",)),
    (rb"RIFF....WEBP", "image/webp", (".webp",)),
)
OOXML = "application/vnd.openxmlformats-officedocument."
OFFICE = {  # suffix: (the member that makes it so, its type)
    ".docx": ("word/document.xml", f"{OOXML}wordprocessingml.document"),
    ".xlsx": ("xl/workbook.xml", f"{OOXML}spreadsheetml.sheet"),
    ".pptx": ("ppt/presentation.xml", f"{OOXML}presentationml.presentation"),
}
TEXT = {".txt": "text/plain", ".csv": "text/csv"}
MARKUP = re.compile(r"\s*<(?:!doctype|html|head|body|svg|script|\?xml|!--)", re.IGNORECASE)


class Checked(NamedTuple):
    """A file that may be kept."""

    file: File
    name: str
    content_type: str
    size: int


def max_size() -> int:
    """Bytes one file may have."""
    return settings.CRM_ATTACHMENT_MAX_MB * MEGABYTE


def check(upload: Any) -> Checked:
    """Raises ValidationError with a message that names the file."""
    name = clean_text(short_name(upload.name))
    refuse_control_characters(name)
    if upload.size > max_size():
        raise ValidationError(f"「{name}」超过 {settings.CRM_ATTACHMENT_MAX_MB} MB，请压缩或拆分后再传。")
    if not upload.size:
        raise ValidationError(f"「{name}」是空文件。")
    content_type = sniff(upload, Path(name).suffix.lower())
    if not content_type:
        text = f"「{name}」的内容与扩展名不符，或不是可以上传的类型。可以上传：{KINDS}。"
        raise ValidationError(text, code="content")
    return Checked(upload, name, content_type, upload.size)


def short_name(name: str) -> str:
    """As the sender called it, no longer than the column; the suffix stays."""
    return cut(Path(name.replace("\\", "/").split("/")[-1]).name)


def sniff(file: Any, suffix: str) -> str:
    """The type of the content when the suffix agrees with it, else empty."""
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    for start, content_type, suffixes in SIGNATURES:
        if re.match(start, head, re.DOTALL):
            return content_type if suffix in suffixes else ""
    if suffix in OFFICE:
        return _office_type(file, suffix)
    return TEXT[suffix] if suffix in TEXT and is_text(file) else ""


def _office_type(file: Any, suffix: str) -> str:
    """By the archive's directory alone: nothing is unpacked."""
    wanted, content_type = OFFICE[suffix]
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return ""
    finally:
        file.seek(0)
    names = {member.filename for member in members}
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise ValidationError(f"文件解压后超过 {MAX_UNPACKED // MEGABYTE} MB，不能上传。")
    has_macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    return content_type if {"[Content_Types].xml", wanted} <= names and not has_macros else ""


def is_text(file: Any) -> bool:
    """Decodable, without control characters, and no page or drawing in disguise."""
    file.seek(0)
    content = file.read()
    file.seek(0)
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not UNPRINTABLE.search(text) and not MARKUP.match(text)
    return False
