"""Detect a file's type from its content: daily office, phone and WeChat files."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from django.core.files import File

MEGABYTE = 1024 * 1024
MAX_UNPACKED = 200 * MEGABYTE
MAX_MEMBERS = 5000


class Kind(NamedTuple):
    """A type of content. suffixes: those a file of it may have, its own first."""

    words: str
    content_type: str
    suffixes: tuple[str, ...]


class RefusedContent(Exception):
    """Recognised content that is not accepted; the text follows the file's name and says what to do."""


PACKED = "是压缩包，系统看不到里面的内容。请解压后把文件逐个上传。"
MACROS = "含有宏，不能上传。请在 Office 或 WPS 里另存为不带宏的 docx、xlsx 或 pptx，再上传。"
LOCKED = "设有打开密码，系统看不到里面的内容。请去掉密码后再上传。"
PROGRAM = "是程序或脚本，不能上传。"
PAGE = "的内容其实是网页或图形代码，不能上传。请用 Excel、WPS 或浏览器打开，另存为 xlsx、PDF 或 PNG 再上传。"
TOO_MUCH = f"解压后超过 {MAX_UNPACKED // MEGABYTE} MB，不能上传。请拆分，或另存为 PDF 再上传。"

SIGNATURES = (
    (rb"%PDF-", Kind("PDF", "application/pdf", (".pdf",))),
    (rb"\x89PNG\r\n\x1a\n", Kind("PNG 图片", "image/png", (".png",))),
    (rb"\xff\xd8\xff", Kind("JPEG 图片", "image/jpeg", (".jpg", ".jpeg", ".jfif", ".jpe"))),
    (rb"GIF8[79]a", Kind("GIF 图片", "image/gif", (".gif",))),
    (rb"RIFF....WEBP", Kind("WebP 图片", "image/webp", (".webp",))),
    (rb"BM....\0\0\0\0", Kind("BMP 图片", "image/bmp", (".bmp", ".dib"))),
    (rb"II\*\0|MM\0\*", Kind("TIFF 图片", "image/tiff", (".tif", ".tiff"))),
    (rb"....ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)", Kind("HEIC 图片", "image/heic", (".heic", ".heif"))),
    (rb"....ftypqt  ", Kind("MOV 视频", "video/quicktime", (".mov",))),
    (rb"....ftypM4[AB] ", Kind("M4A 录音", "audio/mp4", (".m4a",))),
    (rb"....ftyp3g", Kind("3GP 视频", "video/3gpp", (".3gp",))),
    (rb"....ftyp(?:iso|mp4|avc1|M4V|MSNV|dash|mmp4)", Kind("MP4 视频", "video/mp4", (".mp4", ".m4v"))),
    (rb"#!AMR(?:-WB)?\n", Kind("AMR 录音", "audio/amr", (".amr",))),
    (rb"\x02?#!SILK_V3", Kind("SILK 录音", "audio/silk", (".silk", ".slk", ".aud"))),
    (rb"ID3|\xff[\xfb\xfa\xf3\xf2]", Kind("MP3 录音", "audio/mpeg", (".mp3",))),
    (rb"RIFF....WAVE", Kind("WAV 录音", "audio/wav", (".wav",))),
    (rb"\{\\rtf", Kind("RTF 文档", "application/rtf", (".rtf",))),
)
REFUSED_SIGNATURES = (
    (rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x1f\x8b|PK\x05\x06", PACKED),
    (rb"MZ|\x7fELF|#!/", PROGRAM),
)
OOXML = "application/vnd.openxmlformats-officedocument."
ZIP_KINDS = {  # by the member that identifies it
    "word/document.xml": Kind("Word 文档", f"{OOXML}wordprocessingml.document", (".docx",)),
    "xl/workbook.xml": Kind("Excel 表格", f"{OOXML}spreadsheetml.sheet", (".xlsx",)),
    "ppt/presentation.xml": Kind("PowerPoint 演示", f"{OOXML}presentationml.presentation", (".pptx",)),
}
OFD = Kind("OFD 版式文件", "application/ofd", (".ofd",))
OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_KINDS = {  # by the stream that identifies it; WPS writes the same under its own suffixes
    "WordDocument": Kind("Word 文档（97-2003）", "application/msword", (".doc", ".wps")),
    "PowerPoint Document": Kind("PowerPoint 演示（97-2003）", "application/vnd.ms-powerpoint", (".ppt", ".dps")),
    "Workbook": Kind("Excel 表格（97-2003）", "application/vnd.ms-excel", (".xls", ".et")),
    "Book": Kind("Excel 表格（95）", "application/vnd.ms-excel", (".xls", ".et")),
}
ALL_KINDS = (*(kind for _, kind in SIGNATURES), *ZIP_KINDS.values(), OFD, *OLE_KINDS.values())
SUFFIXES = frozenset(suffix for kind in ALL_KINDS for suffix in kind.suffixes)


def kind_by_content(file: File[bytes], suffix: str) -> Kind | None:
    """Return the kind, or None for unknown content. Raise RefusedContent.

    suffix: decides where a document embeds another one.
    """
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    for start, reason in REFUSED_SIGNATURES:
        if re.match(start, head, re.DOTALL):
            raise RefusedContent(reason)
    for start, kind in SIGNATURES:
        if re.match(start, head, re.DOTALL):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(file)
    return _ole_kind(file, suffix) if head.startswith(OLE_START) else None


def _zip_kind(file: File[bytes]) -> Kind | None:
    """Read the archive's directory only; nothing is unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return None
    finally:
        file.seek(0)
    names = {member.filename for member in members}
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise RefusedContent(TOO_MUCH)
    if "OFD.xml" in names:
        return OFD
    if "[Content_Types].xml" not in names:
        raise RefusedContent(PACKED)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise RefusedContent(MACROS)
    return next((kind for member, kind in ZIP_KINDS.items() if member in names), None)


def _ole_kind(file: File[bytes], suffix: str) -> Kind | None:
    """Detect documents of Office 97 to 2003: a directory of named streams, also of embedded documents."""
    names = set(_stream_names(file.read()))
    file.seek(0)
    if "_VBA_PROJECT" in names:
        raise RefusedContent(MACROS)
    if "EncryptedPackage" in names:
        raise RefusedContent(LOCKED)
    kinds = [kind for stream, kind in OLE_KINDS.items() if stream in names]
    return next((kind for kind in kinds if suffix in kind.suffixes), kinds[0] if kinds else None)


def _stream_names(content: bytes) -> Iterator[str]:
    """Yield the known stream names that stand in a directory: entries of 128 bytes hold name, length and type."""
    for name in (*OLE_KINDS, "_VBA_PROJECT", "EncryptedPackage"):
        encoded = f"{name}\0".encode("utf-16-le")
        place = content.find(encoded)
        while place >= 0:
            length = int.from_bytes(content[place + 64 : place + 66], "little")
            if place % 128 == 0 and length == len(encoded) and content[place + 66 : place + 67] in (b"\1", b"\2"):
                yield name
                break
            place = content.find(encoded, place + 2)
