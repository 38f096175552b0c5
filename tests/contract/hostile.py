"""Names: several hundred that no storage may take, and those that Django takes and every storage has to keep."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

__all__ = ["HOSTILE", "KEPT", "PAIRS", "TOO_LONG"]

_TARGETS = ["", "canary.txt", "location-2/canary.txt", "etc/passwd"]


def _climbing() -> Iterator[str]:
    """Yield ``..`` in any spelling, at any place, with either slash."""
    for slash, depth, target in itertools.product("/\\", (1, 2, 3, 8), _TARGETS):
        up = slash.join([".."] * depth)
        for start in ("", "a" + slash, "." + slash, "a" + slash * 2, "a" + slash + "b" + slash):
            yield start + up + (slash + target if target else "")
    yield from (
        "a/..",
        "a\\..",
        "..",
        "../",
        "..\\",
        "a/../",
        "a/./../b",
        "..//canary.txt",
        "..\\/canary.txt",
    )
    yield from ("a/..\\..\\canary.txt", "a\\../..\\canary.txt", "../location/a", "./.././canary.txt")


def _dots() -> Iterator[str]:
    """Yield what some systems take for ``..``: more dots, and spaces around them."""
    for dots in ("...", "....", ".. ", " ..", ".. .", "..\u00a0", "\u3000..", ".. .."):
        if dots.strip().strip("."):
            continue
        yield from (dots, f"{dots}/canary.txt", f"a/{dots}/canary.txt", f"a\\{dots}\\canary.txt", f"a/{dots}")


def _absolute() -> Iterator[str]:
    """Yield names that begin at a root."""
    targets = ["canary.txt", "etc/passwd", "outer/canary.txt", "outer/location/inside.txt", "x"]
    for slash, target in itertools.product(("/", "//", "///", "\\", "\\\\", "/\\", "\\/"), targets):
        yield slash + target
    yield from (
        "//server/share/x",
        "\\\\server\\share\\x",
        "\\\\?\\C:\\x",
        "/.",
        "/./x",
        "//../x",
        "/a/../../x",
    )


def _drives() -> Iterator[str]:
    """Yield names that begin with a drive letter."""
    for drive, rest in itertools.product(
        ("C:", "c:", "Z:"), ("", "x", "/x", "\\x", "/../x", "\\Windows\\win.ini")
    ):
        yield drive + rest
    yield from ("./C:/x", ".\\C:\\x")


def _controls() -> Iterator[str]:
    """Yield control characters at any place."""
    for code in [*range(0x20), *range(0x7F, 0xA0)]:
        yield from (f"{chr(code)}a", f"a{chr(code)}b.txt", f"a/b{chr(code)}", f"a{chr(code)}/b.txt")


def _surrogates() -> Iterator[str]:
    """Yield half surrogate pairs, which no encoding can store."""
    for half in ("\ud800", "\udbff", "\udc00", "\udcff", "\udfff"):
        yield from (half, f"a{half}b.txt", f"{half}/b.txt", f"a/{half}")


HOSTILE = {
    "climbing": list(_climbing()),
    "dots": list(_dots()),
    "absolute": list(_absolute()),
    "drives": list(_drives()),
    "controls": list(_controls()),
    "surrogates": list(_surrogates()),
}

#: For filesystems with 255 bytes to a segment, in one way or another.
TOO_LONG = ["x" * 256, "a/" + "x" * 256 + "/b.txt", "é" * 128, "€" * 86, "😀" * 64, "x" * 5000]

#: What Django accepts on its own storage comes back identical.
KEPT = [
    *(
        "plain.txt",
        "with space.txt",
        " leading",
        "trailing ",
        "two  spaces",
        "100%.txt",
        "%2e%2e.txt",
        "%2F.txt",
        "%.txt",
    ),
    *(
        "a+b.txt",
        "a#b.txt",
        "#",
        "a?b.txt",
        "?",
        "a?versionId=1",
        "a&b=c",
        "a[1].txt",
        "[",
        "a*.txt",
        "*",
        "**",
        "a]b",
    ),
    *(
        "{a,b}.txt",
        "~",
        "~user",
        "$HOME",
        "${HOME}",
        "`id`",
        "$(id)",
        ".hidden",
        ".h/.file",
        "..hidden",
        "a..b",
    ),
    *(
        "a...",
        "trailing.",
        "a.",
        "ab:c",
        "a::b",
        "memory::x",
        "s3:x",
        "a|b",
        "a;b",
        "a,b",
        "a=b",
        "a@b",
        "user@host:x",
    ),
    *(
        "a'b",
        'a"b',
        "<a>",
        "(a)",
        "!a",
        "-rf",
        "--help",
        "CON",
        "nul.txt",
        "a^b",
        "_",
        "-",
        "0",
        "None",
        "a.tar.gz",
    ),
    *(
        "ünï.txt",
        "u\u0308n.txt",
        "日本語.txt",
        "Ελλάς.txt",
        "עברית.txt",
        "नमस्ते",
        "😀.txt",
        "👨‍👩‍👧.jpg",
        "ﬁ.txt",
        "ß",
        "İi",
    ),
    *("a\u200bb", "\u202egpj.exe", "a\u00a0b", "a\u2028b", "\ufeffbom", "\uffff", "e\u0301"),
    *("d/e/f.txt", "d e/ü/f+.txt", "d%2Fe/f", "d?/e#/f", "a[1]/b*.txt", "1/2/3/4/5/6/7/8/9/10/11/12"),
    *(
        "deep/" * 40 + "f.txt",
        "x" * 255,
        "x" * 251 + ".txt",
        "é" * 127,
        "file:x",
        "x.uploading",
        ".x.uploading",
    ),
]

#: Names that fsspec or a server may take for one another. Both are stored; deleting the first leaves the second.
PAIRS = [
    ("a?versionId=1", "a"),
    ("a", "a?versionId=1"),
    ("a?versionid=1", "a"),
    ("a#1", "a"),
    ("a::b", "a"),
    ("a::b", "b"),
    ("a[1].txt", "a1.txt"),
    ("a*.txt", "ab.txt"),
    ("a?.txt", "ab.txt"),
    ("**", "a"),
    ("*", "a"),
    ("{a,b}", "a"),
    ("a%20b", "a b"),
    ("a+b", "a b"),
    ("%61", "a"),
    ("é", "e\u0301"),
    ("A.txt", "a.txt"),
    ("a ", "a"),
    (" a", "a"),
    ("a.", "a"),
    ("ab", "a"),
    ("d/a", "a"),
]
