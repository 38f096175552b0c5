"""FTP: lines that servers print for people, and facts that some of them tell in their own way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from django_fsspec_storages.filesystems.ftp_scan import _parsed, facts_of, time_of

FILES = {
    # GNU ls, vsftpd, ProFTPD, pyftpdlib, wu-ftpd
    "-rw-r--r--    1 ftp      ftp          1024 Jan 31 12:00 a": ("a", 1024),
    "-rw-r--r--   1 root     root     5368709120 Jan  1  2024 large": ("large", 5368709120),
    "-rw-rw-r--+  1 owner group 7 Dec 31 23:59 with acl": ("with acl", 7),
    "-rw-r--r--@  1 owner staff 7 Dec 31 23:59 of-a-mac": ("of-a-mac", 7),
    "-rw-r--r--.  1 owner group 7 Dec 31 23:59 selinux": ("selinux", 7),
    "-rwsr-sr-t   1 1000 1000 7 Dec 31 23:59 numbers": ("numbers", 7),
    "-rwSr-Sr-T   1 user2 99 7 Feb 29  2024 2024": ("2024", 7),
    "-rw-r--r--   1 owner 1234 Jan  1 12:00 without a group": ("without a group", 1234),
    "-rw-r--r--   1 1000 1234 Jan  1 12:00 without a group": ("without a group", 1234),
    "-rw-r--r--   1 DOMAIN\\user DOMAIN\\users 1 Jan  1 12:00 a": ("a", 1),
    "-rw-r--r--   1 user Domain Users 1 Jan  1 12:00 a": ("a", 1),
    "-rw-r--r-- 1 owner group 7 2024-01-31 12:00 long-iso": ("long-iso", 7),
    "-rw-r--r-- 1 owner group 7 31 Jan 12:00 day first": ("day first", 7),
    "-rw-r--r-- 1 owner group 7 f\xc3\xa9vr. 29  2024 in French": ("in French", 7),
    "-rw-r--r--   1 owner group 7 Jan  1 12:00  a": (" a", 7),
    "-rw-r--r--   1 owner group 7 Jan  1 12:00 a  b ": ("a  b ", 7),
    "-rw-r--r--   1 owner group 7 Jan  1 12:00 -a": ("-a", 7),
    "-rw-r--r--   1 owner group 7 Jan  1 12:00 a -> b": ("a -> b", 7),
    "-rw-r--r--   1 owner group 7 Jan  1 12:00 5 Jan  2 12:00 b": ("5 Jan  2 12:00 b", 7),
    "-rw-r--r--   1 owner group 7 Jan  1 12:00 total 12": ("total 12", 7),
    # Windows
    "01-31-26  12:00AM                 1024 a b.txt": ("a b.txt", 1024),
    "01-31-2026  11:59PM           5368709120 large": ("large", 5368709120),
    "31/01/26  23:59                  1,024 24h": ("24h", 1024),
    "2026-01-31  23:59                  1024 iso": ("iso", 1024),
}
FOLDERS = {
    "drwxr-xr-x    2 ftp      ftp          4096 Jan 31 12:00 folder": "folder",
    "drwxrwxrwt+  2 1000 1000 0 Jan  1  2024 a b": "a b",
    "01-31-26  12:00AM       <DIR>          a b": "a b",
    "01-31-2026  23:59       <DIR>          folder": "folder",
}
NONE = [
    "total 12",
    "total 4.0K",
    "",
    "Permission denied",
    "a",
    "/folder:",
    "01-31-26  12:00AM",
    "               2 File(s)           2048 bytes",
]


@pytest.mark.parametrize("line", FILES)
def test_a_line_of_a_file(line: str) -> None:
    name, kind, size = _parsed(line)
    assert (name, size, kind) == (*FILES[line], "file")


@pytest.mark.parametrize("line", FOLDERS)
def test_a_line_of_a_folder(line: str) -> None:
    assert _parsed(line)[:2] == (FOLDERS[line], "directory")


@pytest.mark.parametrize("line", NONE)
def test_a_line_of_nothing(line: str) -> None:
    assert _parsed(line)[0] == ""


def test_lines_of_other_things() -> None:
    assert _parsed("lrwxrwxrwx 1 o g 1 Jan  1 12:00 a b -> c d") == ("a b", "link", 1)
    assert _parsed("lrwxrwxrwx 1 o g 1 Jan  1 12:00 a") == ("a", "link", 1)
    for kind in "bcps":
        assert _parsed(f"{kind}rw-rw-rw- 1 o g 0 Jan  1 12:00 a")[:2] == ("a", "other")
    assert _parsed("crw-rw-rw- 1 root root 1, 3 Jan  1 12:00 null")[:2] == ("null", "other")


# Times and facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20240229123456", datetime(2024, 2, 29, 12, 34, 56, tzinfo=UTC)),
        ("20240229123456.5", datetime(2024, 2, 29, 12, 34, 56, 500000, tzinfo=UTC)),
        ("20240229123456.123456789", datetime(2024, 2, 29, 12, 34, 56, 123456, tzinfo=UTC)),
        ("20240229123456.", datetime(2024, 2, 29, 12, 34, 56, tzinfo=UTC)),
        ("20240229123456.²", datetime(2024, 2, 29, 12, 34, 56, tzinfo=UTC)),
        ("19700101000000", datetime(1970, 1, 1, tzinfo=UTC)),
        *(
            (text, None)
            for text in ("", None, "now", "20240230000000", "00000000000000", "2024", "191240229123456")
        ),
    ],
)
def test_times(text: str | None, expected: datetime | None) -> None:
    assert time_of(text) == expected


def test_facts_are_told_in_many_ways() -> None:
    def kind(**said: str) -> Any:
        found = facts_of("a", said)
        return found and (found.type, found.size)

    assert kind(type="file", size="5") == kind(type="FILE", size="5") == ("file", 5)
    assert kind(type="file") == kind(type="file", size="") == kind(type="file", size="-1") == ("file", None)
    assert kind(type="file", size="²") == ("file", None)
    assert kind(type="dir") == kind(type="cdir") == kind(type="pdir") == ("directory", None)
    assert kind(type="OS.unix=slink:/b") is None
    assert kind(type="OS.unix=symlink", size="5") is None
    assert kind(type="OS.unix=chr-1/3") == ("other", None)
