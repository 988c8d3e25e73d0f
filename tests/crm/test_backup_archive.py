"""The file of a backup: whatever is not exactly what was written is refused in one sentence, before anything else."""

from __future__ import annotations

import io
import json
import resource
import tarfile
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.backup import archive, archive_v1
from crm.backup.archive import Archive, Writer, build_seal, header
from crm.backup.errors import BackupFailed
from crm.backup.manifest import DATABASE, Manifest, serialize_manifest
from crm.backup.restoration import open_archive

FILES = {"a.txt": b"one", f"合同/{'长' * 60}.pdf": b"%PDF" * 400, "空.txt": b""}
DAMAGED = "不是完整的备份文件|校验和不同|清单|格式|不允许"


def build(path: Path, files: dict[str, bytes] = FILES, **facts) -> Path:
    """A small archive of today's format."""
    source = path.with_name("source")
    with path.open("wb") as out:
        writer = Writer(out)
        for name, content in {DATABASE: b"rows" * 300, **{f"files/{name}": files[name] for name in files}}.items():
            source.write_bytes(content)
            writer.add(name, source)
        manifest = Manifest("sqlite", {"accounts_user": [3, "ab"]}, writer.members, [("accounts", "0001_first")])
        writer.close(replace(manifest, **facts))
    return path


def build_before(path: Path, files: dict[str, bytes] = FILES, **facts) -> Path:
    """The same as the first format had it."""
    digests = {name: archive.hashlib.sha256(content).hexdigest() for name, content in files.items()}
    tables = {"accounts_user": [3, "ab"]}
    manifest = {"made_at": "2026-01-02T03:04:05+08:00", "vendor": "sqlite", "tables": tables, "files": digests, **facts}
    with tarfile.open(path, "w") as packed:
        named = {f"files/{name}": content for name, content in files.items()}
        for name, content in {"manifest.json": json.dumps(manifest).encode(), DATABASE: b"rows" * 300, **named}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1767294245.25
            packed.addfile(member, io.BytesIO(content))
    return path


def sealed(text: bytes, body: bytes = b"") -> bytes:
    """An archive with this text for a manifest, and a seal that fits it."""
    parts = (header("manifest.json", len(text)), archive.pad_block(text))
    seal = build_seal(text)
    return b"".join([body, *parts, header(archive.SEAL, len(seal)), archive.pad_block(seal), archive.END])


def read_wholly(path: Path) -> Manifest:
    opened = open_archive(path)
    opened.check()
    return opened.manifest


def refusal(path: Path) -> str:
    """The sentence it is refused with; empty when it is read. Anything else is raised."""
    try:
        read_wholly(path)
    except BackupFailed as refused:
        return str(refused)
    return ""


@pytest.fixture
def whole(tmp_path):
    return build(tmp_path / "crm-1.tar")


def test_what_was_written_is_read(whole, tmp_path):
    found = {}

    def sink(name):
        found[name] = tmp_path / str(len(found))
        return found[name].open("wb")

    Archive(whole).walk(sink)
    assert found.pop(DATABASE).read_bytes() == b"rows" * 300
    assert {name.removeprefix("files/"): path.read_bytes() for name, path in found.items()} == FILES


def test_headers_are_those_of_every_tar_also_for_long_names_and_huge_files():
    for name, size in (("files/a", 5), (f"files/{'长' * 80}", 7), ("files/big", 9 * 1024**3), (f"files/{'l' * 99}", 0)):
        with tarfile.open(fileobj=io.BytesIO(header(name, size) + archive.END)) as opened:
            member = opened.next()
        assert (member.name, member.size, member.mode) == (name, size, 0o600)


def test_every_single_byte_counts(whole):
    content = whole.read_bytes()
    for place in range(0, len(content), 29):
        whole.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BackupFailed, match=DAMAGED):
            read_wholly(whole)


def test_an_archive_cut_off_anywhere_or_continued_is_refused(whole):
    content = whole.read_bytes()
    for length in [*range(0, len(content), 211), len(content) - 1]:
        whole.write_bytes(content[:length])
        with pytest.raises(BackupFailed, match=DAMAGED):
            read_wholly(whole)
    for more in (b"\0", bytes(512), content):
        whole.write_bytes(content + more)
        with pytest.raises(BackupFailed, match=DAMAGED):
            read_wholly(whole)


def test_a_backup_of_the_first_format_is_read_and_says_what_it_cannot_prove(tmp_path):
    path = build_before(tmp_path / "crm-0.tar")
    assert read_wholly(path).files == list(FILES)
    assert "没有数据库文件本身的校验和" in open_archive(path).note


def test_of_the_first_format_a_changed_file_and_every_header_count(tmp_path):
    path = build_before(tmp_path / "crm-0.tar")
    content = path.read_bytes()
    places = [content.index(b"one"), content.index(b"%PDF"), content.index(b"ustar"), content.rindex(b"ustar")]
    for place in [*places, len(content) - 1, 3]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BackupFailed, match=DAMAGED):
            read_wholly(path)
    for length in range(0, content.rindex(b"%PDF"), 211):
        path.write_bytes(content[:length])
        with pytest.raises(BackupFailed, match=DAMAGED):
            read_wholly(path)


CLIMBING = (
    "../secret",
    "a/../../secret",
    "/etc/passwd",
    "",
    ".",
    "a//b",
    "a/",
    "a\0b",
    "x" * 300,
    "长" * 100,
    ".former-1/x",
    "\ud800",
    "/".join(["a" * 200] * 30),
)


@pytest.mark.parametrize("name", CLIMBING)
def test_a_name_that_leaves_its_folder_is_refused(name, tmp_path):
    members = {DATABASE: (0, "0" * 64), f"files/{name}": (0, "0" * 64)}
    path = tmp_path / "crm-1.tar"
    path.write_bytes(sealed(serialize_manifest(Manifest("sqlite", {}, members, []))))
    with pytest.raises(BackupFailed, match="不允许的文件名"):
        read_wholly(path)
    before = {"made_at": "", "vendor": "sqlite", "tables": {}, "files": {name: "0" * 64}}
    text = json.dumps(before).encode()
    path.write_bytes(header("manifest.json", len(text)) + archive.pad_block(text) + archive.END)
    with pytest.raises(BackupFailed, match="不允许的文件名"):
        read_wholly(path)


@pytest.mark.parametrize("names", [("database/x",), ("files/a", "files/a/b"), ("manifest.json",), ("other",)])
def test_members_of_other_names_or_in_each_others_way_are_refused(names, tmp_path):
    members = {DATABASE: (0, "0" * 64), **dict.fromkeys(names, (0, "0" * 64))}
    path = tmp_path / "crm-1.tar"
    path.write_bytes(sealed(serialize_manifest(Manifest("sqlite", {}, members, []))))
    with pytest.raises(BackupFailed, match=r"不允许的文件名|清单不完整"):
        read_wholly(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_devices_and_folders_are_refused(kind, tmp_path):
    path = build_before(tmp_path / "crm-0.tar")
    with tarfile.open(path, "a") as packed:
        member = tarfile.TarInfo("files/a.lnk")
        member.type, member.linkname = kind, "/etc/passwd"
        packed.addfile(member)
    with pytest.raises(BackupFailed, match="不允许的内容"):
        read_wholly(path)


def test_members_twice_or_missing_or_beyond_the_manifest_are_refused(tmp_path):
    path = build_before(tmp_path / "crm-0.tar")
    with tarfile.open(path, "a") as packed:
        packed.addfile(tarfile.TarInfo("files/空.txt"))
    with pytest.raises(BackupFailed, match="清单以外"):
        read_wholly(path)
    absent = build_before(tmp_path / "crm-2.tar", {"a": b"1"})
    content = absent.read_bytes()
    end = content.index(b"rows") - 512
    absent.write_bytes(content[:end] + bytes(1024))
    with pytest.raises(BackupFailed, match=DAMAGED):
        read_wholly(absent)


def test_what_is_no_backup_is_refused(tmp_path):
    path = tmp_path / "crm-1.tar"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("manifest.json", "{}")
    foreign = [path.read_bytes(), b"", b"\0" * 10240, b"SQLite format 3\0" * 100]
    for mode in ("w:gz", "w"):
        with tarfile.open(path, mode) as packed:
            packed.add(__file__, "readme.txt")
        foreign.append(path.read_bytes())
    for content in foreign:
        path.write_bytes(content)
        with pytest.raises(BackupFailed, match="不是完整的备份文件"):
            read_wholly(path)


def test_a_format_of_tomorrow_is_named(whole):
    content = whole.read_bytes()
    whole.write_bytes(content.replace(b"crm-backup 2 ", b"crm-backup 3 "))
    with pytest.raises(BackupFailed, match="先升级程序"):
        read_wholly(whole)


GOOD = json.loads(serialize_manifest(Manifest("sqlite", {}, {DATABASE: (0, "0" * 64)}, [])))
WRONG = {
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "nothing": b"",
    "NaN": json.dumps({**GOOD, "tables": {"a": [float("nan"), "b"]}}).encode(),
    "a huge number": b'{"tables": ' + b"9" * 10000 + b"}",
    "deep": b"[" * 200_000,
    "a key missing": json.dumps({key: GOOD[key] for key in GOOD if key != "tables"}).encode(),
    "a key more": json.dumps({**GOOD, "more": 1}).encode(),
    **{f"{key} a number": json.dumps({**GOOD, key: 1}).encode() for key in GOOD},
    **{f"{key} nothing": json.dumps({**GOOD, key: None}).encode() for key in GOOD},
    **{f"{key} nested": json.dumps({**GOOD, key: {"a": {"b": []}}}).encode() for key in GOOD},
    "rows below none": json.dumps({**GOOD, "tables": {"a": [-1, "b"]}}).encode(),
    "rows true": json.dumps({**GOOD, "tables": {"a": [True, "b"]}}).encode(),
    "a size below none": json.dumps({**GOOD, "members": {DATABASE: [-512, "0" * 64]}}).encode(),
    "a huge size": json.dumps({**GOOD, "members": {DATABASE: [2**61, "0" * 64]}}).encode(),
    "no digest": json.dumps({**GOOD, "members": {DATABASE: [0, "x"]}}).encode(),
    "no database": json.dumps({**GOOD, "members": {}}).encode(),
    "a migration of three": json.dumps({**GOOD, "migrations": [["a", "b", "c"]]}).encode(),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_manifest_that_makes_no_sense_is_refused_though_its_seal_fits(what, tmp_path):
    path = tmp_path / "crm-1.tar"
    path.write_bytes(sealed(WRONG[what], header(DATABASE, 0)))
    with pytest.raises(BackupFailed, match=r"清单|不是完整"):
        read_wholly(path)
    text = WRONG[what]
    path.write_bytes(header("manifest.json", len(text)) + archive.pad_block(text) + archive.END)
    with pytest.raises(BackupFailed, match=r"清单|不是完整"):
        read_wholly(path)


def test_control_a_sensible_manifest_is_read(tmp_path):
    path = tmp_path / "crm-1.tar"
    empty = {DATABASE: (0, archive.hashlib.sha256(b"").hexdigest())}
    path.write_bytes(sealed(serialize_manifest(Manifest("sqlite", {}, empty, [])), header(DATABASE, 0)))
    assert read_wholly(path).vendor == "sqlite"


@contextmanager
def memory_limit(more: int):
    """The process may take so many bytes more than it has."""
    former = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + more, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)


EDITS = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "double"]), st.integers(0, 2**20), st.binary(max_size=600)),
    min_size=1,
    max_size=6,
)


def edited(content: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for deed, where, piece in edits:
        place = where % (len(content) + 1)
        if deed == "flip":
            content = content[:place] + piece + content[place + len(piece) :]
        elif deed == "cut":
            content = content[:place] + content[place + len(piece) * 3 :]
        elif deed == "insert":
            content = content[:place] + piece + content[place:]
        else:
            content = content[:place] + content[place // 2 :]
    return content


FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.parametrize("builder", [build, build_before])
@FUZZ
@given(edits=EDITS)
def test_no_edit_of_an_archive_crashes_the_reader(builder, tmp_path, edits):
    path = builder(tmp_path / "crm-1.tar")
    content = edited(path.read_bytes(), edits)
    whole = content == path.read_bytes()
    path.write_bytes(content)
    with memory_limit(256 * 1024 * 1024):
        words = refusal(path)
    assert "\n" not in words
    assert words or whole or builder is build_before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@FUZZ
@given(manifest=st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, JSON)), rest=st.binary(max_size=200))
def test_no_manifest_crashes_the_reader(tmp_path, manifest, rest):
    path = tmp_path / "crm-1.tar"
    for text in (json.dumps({**GOOD, **manifest}).encode(), json.dumps(manifest).encode() + rest, rest):
        path.write_bytes(sealed(text, header(DATABASE, 0)))
        with memory_limit(256 * 1024 * 1024):
            assert "\n" not in refusal(path)


def test_an_extended_header_that_claims_gigabytes_takes_no_memory(tmp_path):
    path = tmp_path / "crm-0.tar"
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 4 * 1024**3
    path.write_bytes(member.tobuf(tarfile.USTAR_FORMAT))
    with path.open("r+b") as opened:
        opened.truncate(5 * 1024**3)  # a hole, no bytes on the disk
    with memory_limit(256 * 1024 * 1024), pytest.raises(BackupFailed):
        read_wholly(path)


def test_the_former_reader_is_gone_from_todays_archives(whole):
    with pytest.raises(BackupFailed):
        archive_v1.ArchiveV1(whole)
