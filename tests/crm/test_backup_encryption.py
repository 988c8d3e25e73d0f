"""Encrypted archives: read with their key exactly as written, refused in one sentence in every other shape."""

from __future__ import annotations

import os
import secrets
import stat

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from crm.backup import creation, encryption
from crm.backup.archive import Archive
from crm.backup.encryption import CHUNK, HEADER, STORED, open_content, open_target
from crm.backup.errors import BackupFailed
from crm.backup.manifest import DATABASE
from tests.crm.test_backup import made
from tests.crm.test_backup_archive import FUZZ, build, edited, memory_limit, refusal

DAMAGED = "不是完整的备份文件|另一个密钥"
SECRET = b"pbkdf2_sha256$secret$"


@pytest.fixture
def key_file(tmp_path, settings):
    """A key that the setting names."""
    path = tmp_path / "keys" / "backup.key"
    settings.CRM_BACKUP_KEY_FILE = str(path)
    call_command("make_backup_key", verbosity=0)
    return path


def encrypted(path, plain):
    """The bytes of an archive, encrypted with the key of the setting."""
    with path.open("wb") as out, open_target(out, encryption.required_key(path)) as target:
        target.write(plain)
    return path


@pytest.fixture
def plain(tmp_path):
    """An archive of several chunks."""
    (tmp_path / "plain").mkdir()
    return build(tmp_path / "plain" / "crm-1.tar", {"a.txt": SECRET + bytes(3 * CHUNK), "b.txt": SECRET})


@pytest.fixture
def whole(key_file, plain, tmp_path):
    return encrypted(tmp_path / "crm-1.tar.enc", plain.read_bytes())


def chunks_of(whole):
    stored = whole.read_bytes()
    return stored[:HEADER], [stored[place : place + STORED] for place in range(HEADER, len(stored), STORED)]


def deciphering(path):
    """The sentence with which the encryption alone refuses it: the sums of the archive inside are not asked."""
    try:
        with open_content(path) as opened:
            while opened.read(CHUNK):
                pass
    except BackupFailed as refused:
        return str(refused)
    return ""


# The file


def test_what_was_written_is_read_and_nothing_of_it_lies_there_in_the_clear(whole, plain, tmp_path):
    found = {}

    def sink(name):
        found[name] = tmp_path / f"found-{len(found)}"
        return found[name].open("wb")

    Archive(whole).walk(sink)
    assert found[DATABASE].read_bytes() == b"rows" * 300
    assert found["files/a.txt"].read_bytes() == SECRET + bytes(3 * CHUNK)
    assert whole.read_bytes().startswith(b"crm-encrypted 1\n")
    hidden = (SECRET, b"rows", b"manifest", b"accounts_user", b"crm-backup")
    assert [word for word in hidden if word in whole.read_bytes()] == []
    assert [word for word in hidden if word not in plain.read_bytes()] == [], "control: the plain one holds them"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_contents_of_every_length_come_back_from_every_place(size, key_file, tmp_path):
    plain = secrets.token_bytes(size)
    with open_content(encrypted(tmp_path / "any", plain)) as opened:
        assert opened.read() == plain
        for place in (0, size // 2, size, size + 5):
            opened.seek(place)
            assert opened.read(70_000) == plain[place : place + 70_000]
        assert opened.seek(0, os.SEEK_END) == size


def test_two_archives_of_the_same_have_no_chunk_in_common(whole, plain, tmp_path):
    other = encrypted(tmp_path / "crm-2.tar.enc", plain.read_bytes())
    assert not set(chunks_of(whole)[1]) & set(chunks_of(other)[1])


def test_a_plain_archive_is_read_with_and_without_a_key(key_file, plain, settings):
    assert refusal(plain) == ""
    settings.CRM_BACKUP_KEY_FILE = ""
    assert refusal(plain) == ""


@FUZZ
@given(place=st.integers(0, 2**20), bit=st.integers(0, 7))
def test_no_bit_can_change_unseen(whole, place, bit):
    stored = whole.read_bytes()
    place %= len(stored)
    try:
        whole.write_bytes(stored[:place] + bytes([stored[place] ^ 1 << bit]) + stored[place + 1 :])
        words = refusal(whole)
    finally:
        whole.write_bytes(stored)
    assert "\n" not in words
    assert words, place
    assert refusal(whole) == "", "control: as it was it is read"


def test_every_byte_of_the_header_and_of_each_end_of_a_chunk_counts(whole):
    stored = whole.read_bytes()
    edges = {place + more for place in range(HEADER, len(stored), STORED) for more in (-1, 0, -17, -16)}
    for place in sorted({*range(HEADER), *edges, len(stored) - 1}):
        whole.write_bytes(stored[:place] + bytes([stored[place] ^ 128]) + stored[place + 1 :])
        assert refusal(whole), place
        assert deciphering(whole) or place < len(encryption.MAGIC), place


@FUZZ
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(["flip", "cut", "insert", "double"]), st.integers(0, 2**20), st.binary(max_size=600)),
        min_size=1,
        max_size=6,
    )
)
def test_no_edit_crashes_the_reader(whole, edits):
    stored = whole.read_bytes()
    try:
        whole.write_bytes(edited(stored, edits))
        is_same = whole.read_bytes() == stored
        words = refusal(whole)
    finally:
        whole.write_bytes(stored)
    assert "\n" not in words
    assert bool(words) != is_same


def test_one_cut_off_anywhere_is_known_when_it_is_opened(whole):
    stored = whole.read_bytes()
    ends = [HEADER, HEADER + STORED, HEADER + 2 * STORED, len(stored) - STORED, len(stored) - 1, HEADER + 16, 20, 16]
    for length in ends:
        whole.write_bytes(stored[:length])
        with pytest.raises(BackupFailed, match=DAMAGED):
            Archive.is_one(whole)
    for more in (b"\0", bytes(STORED), stored[HEADER:], stored):
        whole.write_bytes(stored + more)
        assert refusal(whole)


def test_chunks_moved_repeated_left_out_or_of_another_archive_are_refused(whole, plain, tmp_path):
    header, chunks = chunks_of(whole)
    assert len(chunks) == 4
    other_header, other = chunks_of(encrypted(tmp_path / "crm-2.tar.enc", plain.read_bytes()))
    wrong = {
        "swapped": [chunks[1], chunks[0], *chunks[2:]],
        "repeated": [chunks[0], chunks[0], *chunks[2:]],
        "left out": [chunks[0], *chunks[2:]],
        "added": [chunks[0], *chunks],
        "the last first": [chunks[-1], *chunks[:-1]],
        "of another": [other[0], *chunks[1:]],
        "the end of another": [*chunks[:-1], other[-1]],
    }
    for what, mixed in wrong.items():
        whole.write_bytes(header + b"".join(mixed))
        assert deciphering(whole), what
        assert refusal(whole), what
    whole.write_bytes(other_header + b"".join(chunks))
    assert deciphering(whole)
    whole.write_bytes(header + b"".join(chunks))
    assert deciphering(whole) == refusal(whole) == "", "control: in their order they are read"


def test_one_that_was_not_finished_is_refused(key_file, plain, tmp_path):
    path = tmp_path / "crm-1.tar.enc"

    def stopped():
        with path.open("wb") as out, open_target(out, encryption.required_key(path)) as target:
            target.write(plain.read_bytes())
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        stopped()
    assert "不是完整" in refusal(path)


def test_what_begins_as_one_of_ours_and_is_none_is_refused(key_file, plain, tmp_path):
    path = tmp_path / "crm-1.tar.enc"
    foreign = (b"", b"1\n", b"1\n" + bytes(48), b"1\n" + bytes(5000), b"x\n" + bytes(5000), plain.read_bytes())
    for rest in foreign:
        path.write_bytes(encryption.MAGIC + rest)
        assert refusal(path)
    path.write_bytes(encryption.MAGIC + b"2\n" + bytes(5000))
    assert "先升级程序" in refusal(path)
    assert "不是完整" in refusal(encrypted(path, secrets.token_bytes(50_000))), "encrypted, but no backup"


def test_memory_does_not_grow_with_the_archive(key_file, tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as out:
        out.truncate(160 * 1024**2)
    path = tmp_path / "crm-1.tar.enc"
    with memory_limit(64 * 1024**2):
        with (
            path.open("wb") as out,
            open_target(out, encryption.required_key(path)) as target,
            big.open("rb") as source,
        ):
            while piece := source.read(1024**2):
                target.write(piece)
        with open_content(path) as opened:
            assert sum(len(piece) for piece in iter(lambda: opened.read(1024**2), b"")) == 160 * 1024**2
        with open_content(path) as opened, pytest.raises(MemoryError):
            opened.read()  # control: wholly it does not fit


# The key


def test_without_the_key_and_with_another_it_says_which_is_needed(whole, key_file, settings, tmp_path):
    settings.CRM_BACKUP_KEY_FILE = ""
    assert "是加密的备份。请用 CRM_BACKUP_KEY_FILE" in refusal(whole)
    settings.CRM_BACKUP_KEY_FILE = str(tmp_path / "other.key")
    assert "No such file" in refusal(whole)
    call_command("make_backup_key", verbosity=0)
    assert "另一个密钥" in refusal(whole)
    settings.CRM_BACKUP_KEY_FILE = str(key_file)
    assert refusal(whole) == "", "control: with its own key it is read"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o601])
def test_a_key_that_others_may_touch_is_refused(mode, whole, key_file):
    key_file.chmod(mode)
    assert "chmod 600" in refusal(whole)
    key_file.chmod(0o400)
    assert refusal(whole) == ""


@pytest.mark.parametrize("text", ["", "abc", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n" + "0" * 64, "零" * 64])
def test_a_file_that_holds_no_key_is_refused(text, whole, key_file):
    key_file.write_text(text)
    assert "十六进制" in refusal(whole)


def test_a_folder_and_a_pipe_are_no_key_files(whole, key_file):
    key_file.unlink()
    os.mkfifo(key_file, 0o600)
    assert "不是普通文件" in refusal(whole)
    key_file.unlink()
    key_file.mkdir(mode=0o700)
    assert "不是普通文件" in refusal(whole)


def test_a_made_key_is_its_owners_only_and_never_written_over(tmp_path, settings, capsys):
    path = tmp_path / "new" / "backup.key"
    former = os.umask(0)
    try:
        call_command("make_backup_key", str(path))
    finally:
        os.umask(former)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    said = capsys.readouterr().out
    assert f"CRM_BACKUP_KEY_FILE={path}" in said
    key = path.read_text()
    assert key.strip() not in said
    with pytest.raises(CommandError, match="已经有了"):
        call_command("make_backup_key", str(path))
    assert path.read_text() == key
    settings.CRM_BACKUP_KEY_FILE = ""
    with pytest.raises(CommandError, match="请写明"):
        call_command("make_backup_key")


# The command


def test_with_the_setting_a_backup_is_encrypted_and_says_so(house, key_file, capsys):
    archive = made(house.folder)
    assert archive.name.endswith(".tar.enc")
    assert "已加密" in capsys.readouterr().out
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert Archive(archive).manifest.files == ["contracts/合同.txt"]
    words = ("海河水务有限公司".encode(), "一式两份".encode(), b"customers_customer")
    assert [word for word in words if word in archive.read_bytes()] == []


def test_control_without_the_setting_it_is_plain_and_says_nothing(house, settings, capsys, monkeypatch):
    monkeypatch.setattr(creation, "_check", lambda *_: None)
    archive = made(house.folder)
    assert archive.name.endswith(".tar")
    assert "加密" not in capsys.readouterr().out
    assert "一式两份".encode() in archive.read_bytes()


def test_nothing_in_the_clear_lies_in_the_folder_of_the_backups_even_for_a_while(house, key_file, monkeypatch):
    seen, real = [], creation._check

    def look(part, manifest, dumped):
        real(part, manifest, dumped)
        seen.extend(path.read_bytes() for path in house.folder.rglob("*") if path.is_file())
        seen.append(dumped.parent)
        seen.append(stat.S_IMODE(dumped.parent.stat().st_mode))

    monkeypatch.setattr(creation, "_check", look)
    call_command("backup", str(house.folder))
    stored, scratch, mode = seen
    assert stored.startswith(encryption.MAGIC)
    assert (scratch.parent, mode) == (house.media.parent, 0o700)
    assert not scratch.exists()


@pytest.mark.parametrize("fault", ["open", "missing", "empty"])
def test_a_backup_without_a_usable_key_is_refused_and_never_made_plain(fault, house, key_file):
    if fault == "open":
        key_file.chmod(0o644)
    elif fault == "missing":
        key_file.unlink()
    else:
        key_file.write_text("")
    with pytest.raises(CommandError, match=r"备份失败：.*密钥文件"):
        call_command("backup", str(house.folder))
    assert not house.folder.exists()


def test_what_killed_backups_left_in_var_is_swept_away_after_a_day(house, key_file, monkeypatch):
    monkeypatch.setattr(creation, "_check", lambda *_: None)
    for place in ("crm-scratch-old", "crm-scratch-new", "kept/crm-1.tar.enc.ab.part"):
        path = house.media.parent / place / "database" if "scratch" in place else house.media.parent / place
        path.parent.mkdir()
        path.write_text("x")
    for place in ("crm-scratch-old", "kept/crm-1.tar.enc.ab.part"):
        os.utime(house.media.parent / place, (0, 0))
    call_command("backup", str(house.folder))
    assert [path.name for path in house.media.parent.glob("crm-scratch-*")] == ["crm-scratch-new"]
    assert [path.suffix for path in house.folder.iterdir()] == [".enc"]
