"""What Django accepts comes back identical, also where fsspec or a server reads it otherwise."""

from __future__ import annotations

import itertools
from urllib.parse import unquote

import pytest
from django.core.files.base import ContentFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.backends import BASE_URL
from tests.contract.hostile import KEPT, PAIRS


def _listed(calls, name):
    folder, _, last = name.rpartition("/")
    return calls.listdir(folder)[1].count(last) == 1


def test_every_such_name_can_be_saved_and_asked_for(calls):
    wrong = {}
    for number, name in enumerate(KEPT):
        content = f"content {number}".encode()
        facts = (
            calls.put(name, content) == name,
            calls.exists(name),
            calls.size(name) == len(content),
            calls.read(name) == content,
            _listed(calls, name),
        )
        if not all(facts):
            wrong[name] = facts
    assert wrong == {}


def test_every_such_name_can_be_written_replaced_and_deleted(space, calls):
    for name in KEPT:
        calls.put(name, b"a first version")
    for name in KEPT:
        calls.write(name, [b"second"])
    assert space.files() == dict.fromkeys(KEPT, b"second")
    for name in KEPT:
        calls.delete(name)
        assert name not in space.files()
    assert space.files() == {}


def test_every_such_name_can_be_read_where_it_is(seed, calls):
    seed({name: name.encode() for name in KEPT})
    wrong = {}
    for name in KEPT:
        facts = (
            calls.exists(name),
            calls.size(name) == len(name.encode()),
            calls.read(name) == name.encode(),
            _listed(calls, name),
        )
        if not all(facts):
            wrong[name] = facts
    assert wrong == {}


def test_every_such_name_has_a_url_that_means_it(calls, seed):
    seed({"a.txt": b"1"})
    for name in KEPT:
        url = calls.url(name)
        assert url.startswith(BASE_URL)
        assert url.isascii()
        assert unquote(url.removeprefix(BASE_URL)) == name


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda name: ascii(name))
def test_two_names_that_are_much_alike_are_two_files(space, calls, first, second):
    assert calls.put(first, b"first") == first
    assert calls.put(second, b"second") == second
    assert (calls.read(first), calls.read(second)) == (b"first", b"second")
    assert space.files() == {first: b"first", second: b"second"}
    calls.delete(first)
    assert space.files() == {second: b"second"}


_NUMBERS = itertools.count()
_SEGMENT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1, max_size=40
).filter(lambda text: text.strip(" ").strip(".") and text.strip().strip(".") and len(text.encode()) < 200)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(segments=st.lists(_SEGMENT, min_size=1, max_size=4))
def test_any_other_such_name_comes_back_identical(storage, segments):
    folder = f"folder {next(_NUMBERS)}"  # of its own: folders outlive their files
    name = "/".join([folder, *segments])
    saved = storage.save(name, ContentFile(name.encode()))
    try:
        assert saved == name
        with storage.open(name) as file:
            assert file.read() == name.encode()
        assert name.rpartition("/")[2] in storage.listdir(name.rpartition("/")[0])[1]
    finally:
        storage.delete(saved)
    assert not storage.exists(name)
