"""Checks of uploaded attachments: type by content, name, size. They are served as downloads only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.uploadedfile import UploadedFile

from kit.domain.file_names import cut_file_name
from kit.domain.folding import clean_text
from kit.domain.text import CONTROL_CHARACTERS, refuse_control_characters

from .file_kinds import MEGABYTE, PAGE, PROGRAM, SUFFIXES, Kind, RefusedContent, kind_by_content

MAX_FILES = 10  # per interaction
MAX_NAME = 200
TEXT_KINDS = {
    ".txt": Kind("文本", "text/plain", (".txt",)),
    ".csv": Kind("CSV 表格", "text/csv", (".csv",)),
}
ACCEPTED_SUFFIXES = ",".join(sorted(SUFFIXES | TEXT_KINDS.keys()))
KINDS_TEXT = (
    "PDF、OFD、图片（JPEG、PNG、HEIC 等）、Word/Excel/PowerPoint/WPS（新旧格式）、文本（txt、csv、rtf）、"
    "录音和视频（mp3、m4a、amr、mp4、mov 等）"
)
PROGRAM_SUFFIXES = (
    ".exe .com .scr .bat .cmd .msi .msp .pif .lnk .reg .js .jse .vbs .vbe .wsf .hta .ps1 .jar .apk .dll .sh .php"
    " .html .htm .xhtml .mht .svg"
)
PROGRAMS = frozenset(PROGRAM_SUFFIXES.split())
MARKUP = re.compile(r"\s*<(?:!doctype|html|head|body|svg|script|table|meta|\?xml|!--)", re.IGNORECASE)


class CheckedFile(NamedTuple):
    """A file that passed check()."""

    file: File
    name: str
    content_type: str
    size: int


def max_size() -> int:
    """Return the largest allowed size of one file in bytes."""
    return settings.CRM_ATTACHMENT_MAX_MB * MEGABYTE


def check_upload(upload: UploadedFile) -> CheckedFile:
    """Check an uploaded file. Raise ValidationError with a message that names it."""
    name, size = clean_text(short_name(upload.name or "")), upload.size or 0
    refuse_control_characters(name)
    if size > max_size():
        raise ValidationError(f"「{name}」超过 {settings.CRM_ATTACHMENT_MAX_MB} MB，请压缩或拆分后再传。")
    if not size:
        raise ValidationError(f"「{name}」是空文件。")
    try:
        kind = detect_kind(upload, suffix_of(name))
    except RefusedContent as unfit:
        raise ValidationError(f"「{name}」{unfit}", code="content") from unfit
    if kind is None:
        text = (
            f"「{name}」的内容与扩展名不符，或不是可以上传的类型。可以上传：{KINDS_TEXT}；别的文件请另存为 PDF 再上传。"
        )
        raise ValidationError(text, code="content")
    return CheckedFile(upload, name_by_content(name, kind), kind.content_type, size)


def suffix_of(name: str) -> str:
    return Path(name.strip()).suffix.lower()


def name_by_content(name: str, kind: Kind) -> str:
    """Return the name with the suffix of its content: a PNG called photo.jpg becomes photo.png.

    An unknown suffix stays in the name, before the right one.
    """
    suffix = suffix_of(name)
    if suffix in kind.suffixes:
        return name
    stem = Path(name.strip()).stem if suffix in SUFFIXES | TEXT_KINDS.keys() else name.strip()
    return short_name(stem + kind.suffixes[0])


def describe_renames(files: list[CheckedFile]) -> str:
    """Return a sentence on the files renamed after their content; empty when none was."""
    names = [(short_name(one.file.name or ""), one.name) for one in files]
    return "".join(f"「{sent}」已按内容改名为「{name}」。" for sent, name in names if sent != name)


def short_name(name: str) -> str:
    """Return the sender's file name without folders, cut to the column; the suffix stays."""
    return cut_file_name(Path(name.replace("\\", "/").split("/")[-1]).name)


def detect_kind(file: File[bytes], suffix: str) -> Kind | None:
    """Return the kind of the content; only for plain text the suffix decides. Raise RefusedContent."""
    if suffix in PROGRAMS:
        raise RefusedContent(PROGRAM)
    if kind := kind_by_content(file, suffix):
        return kind
    if is_markup(file):
        raise RefusedContent(PAGE)
    return TEXT_KINDS[suffix] if suffix in TEXT_KINDS and is_text(file) else None


def is_markup(file: File[bytes]) -> bool:
    """Detect HTML, XML and SVG, whatever the file is called: older systems export tables so, as .xls."""
    head = file.read(200)
    file.seek(0)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return bool(MARKUP.match(head.decode(encoding, errors="ignore")))


def is_text(file: File[bytes]) -> bool:
    """Return whether the content decodes and has no control characters."""
    file.seek(0)
    content = file.read()
    file.seek(0)
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not CONTROL_CHARACTERS.search(text)
    return False
