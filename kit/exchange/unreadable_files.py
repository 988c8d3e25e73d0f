"""Errors of files that cannot be read, and limits of their size."""

from __future__ import annotations

from pathlib import Path

MAX_UNPACKED = 200 * 1024 * 1024  # bytes
MAX_COLUMNS = 100
MAX_TEXT = 1_000_000  # characters of one cell; Excel's own limit is 32,767


class UnreadableFile(Exception):
    """The file cannot be read; the text says what to do, in Chinese."""


def describe_open_error(path: Path, error: OSError) -> str:
    """Return the message for a file that cannot be opened, in Chinese."""
    reasons = {
        FileNotFoundError: "没有这个文件，请检查路径",
        PermissionError: "没有读取它的权限",
        IsADirectoryError: "这是一个文件夹，请写出里面的文件",
    }
    return f"打不开文件 {path}：{reasons.get(type(error), error.strerror or error)}。"
