"""Whatever a file is called, it comes back under that name and no other."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.nodjango.conftest import Place

HOSTILE = [
    "a b",
    " a",
    "a ",
    "a[1].txt",
    "a?versionId=z",
    "a?versionid=z",
    "a#generation",
    "a%20b",
    "100%",
    "a::b",
    "a:b",
    "star*",
    "**",
    "{x,y}",
    "~",
    "~root",
    "$HOME",
    "-rf",
    ".hidden",
    "...",
    "back\\slash",
    "quote'\"`",
    "new\u2028line",
    "é",
    "e\u0301",
    "привет/мир",
    "🙂",
    "a.gz",
    "deep/" * 30 + "a",
    ".0123456789abcdef.uploading",
    "0123456789abcdef0123456789abcdef.uploading",
]
SIBLING = "a"

names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cc"]), min_size=1, max_size=60
).filter(lambda name: name not in (".", "..") and name == name.strip() and len(name.encode()) < 200)


def check(place: Place, name: str) -> None:
    """Write, read, list, inspect and remove a file beside another."""
    with place.filesystem.open(place.path(SIBLING), "wb") as file:
        file.write(b"sibling")
    place.write(name, name.encode())
    assert place.read(name) == name.encode()
    facts = place.filesystem.inspect(place.path(name))
    assert (facts.path, facts.type, facts.size) == (place.path(name), "file", len(name.encode()))
    assert place.names() == sorted({SIBLING, name})
    place.filesystem.remove(place.path(name))
    with pytest.raises(FileNotFoundError):
        place.filesystem.inspect(place.path(name))
    if name != SIBLING:
        assert place.names() == [SIBLING]
        assert place.read(SIBLING) == b"sibling"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_comes_back_right(place: Place, name: str) -> None:
    check(place, name)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(name=names)
def test_any_name_comes_back_right(place: Place, name: str) -> None:
    check(place, name)


def test_names_that_differ_in_case_or_normal_form_are_different_files(place: Place) -> None:
    for name in ("a", "A", "é", "e\u0301"):
        place.write(name, name.encode())
    assert len(place.names()) == 4
    assert place.read("A") == b"A"
    assert place.read("e\u0301") == "e\u0301".encode()
