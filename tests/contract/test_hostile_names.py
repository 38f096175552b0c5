"""Whatever a name is, nothing outside the location is read, changed or told."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from tests.contract.backends import BASE_URL, CANARIES
from tests.contract.hostile import HOSTILE, TOO_LONG

#: Every method that takes a name.
METHODS: dict[str, Callable[[Any, str], Any]] = {
    "save": lambda calls, name: calls.save(name, ContentFile(b"hostile")),
    "write": lambda calls, name: calls.write(name, [b"hostile"]),
    "read": lambda calls, name: calls.read(name),
    "delete": lambda calls, name: calls.delete(name),
    "exists": lambda calls, name: calls.exists(name),
    "size": lambda calls, name: calls.size(name),
    "listdir": lambda calls, name: calls.listdir(name),
    "times": lambda calls, name: calls.get_modified_time(name),
    "path": lambda calls, name: calls.storage.path(name),
}

_WRITING = {"save", "write", "delete"}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("method", METHODS)
def test_a_hostile_name_is_refused(space, seed, backend, calls, kind, method):
    if method == "path" and backend.protocol not in ("file", None):
        return  # it has none: test_basics
    seed({"inside.txt": b"inside"})
    before = space.world()
    call = METHODS[method]
    accepted = {}
    for name in HOSTILE[kind]:
        try:
            accepted[name] = call(calls, name)
        except (SuspiciousFileOperation, ValueError):
            continue
        except OSError as error:
            accepted[name] = error
    if backend.writable or method not in _WRITING:
        assert accepted == {}
    assert space.world() == before


@pytest.mark.parametrize("method", METHODS)
def test_nothing_outside_the_location_is_told_or_touched(space, seed, backend, calls, method):
    seed({"inside.txt": b"inside"})
    told = []
    for name in (name for names in HOSTILE.values() for name in names):
        try:
            told.append((name, METHODS[method](calls, name)))
        except (OSError, ValueError, SuspiciousFileOperation, NotImplementedError):
            continue
    if method not in ("save", "path"):  # their answers are names
        assert [answer for answer in told if re.search("canary|passwd", repr(answer[1]))] == []
    world = space.world()
    assert {name: world.get(name) for name in CANARIES} == CANARIES
    assert all(name.startswith("outer/location/") or name in CANARIES for name in world)


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_url_leaves_the_base(seed, calls, kind):
    seed({"inside.txt": b"inside"})
    left = {}
    for name in HOSTILE[kind]:
        try:
            url = calls.url(name)
        except (SuspiciousFileOperation, ValueError):
            continue
        path = unquote(urlsplit(url).path).replace("\\", "/")
        if not url.startswith(BASE_URL) or re.search(r"(^|/)\s*\.{2,}\s*(/|$)", path):
            left[name] = url
    assert left == {}


@pytest.mark.parametrize("method", ["save", "write", "read", "delete", "exists", "size", "listdir"])
def test_a_name_too_long_is_stored_as_it_is_or_refused(space, seed, backend, calls, method):
    seed({"inside.txt": b"inside"})
    wrong = {}
    for name in [*TOO_LONG, "d/" * 3000 + "x"]:
        try:
            result = METHODS[method](calls, name)
        except (SuspiciousFileOperation, ValueError):
            continue
        except FileNotFoundError:
            if method in ("save", "write"):
                raise
        except OSError as error:  # what the filesystem itself refused, in our words
            if error.errno != errno.ENAMETOOLONG or "in FsspecStorage" not in str(error):
                wrong[name[:20]] = error
        else:
            if method == "save" and result != name:
                wrong[name[:20]] = result
    if backend.writable or method not in _WRITING:
        assert wrong == {}


def test_a_save_without_a_file_name_is_refused(space, calls):
    for name in ("", ".", "a/", "a/.", "./", "a//"):
        with pytest.raises((SuspiciousFileOperation, ValueError)):
            calls.save(name, ContentFile(b"1"))
    assert space.files() == {}


def test_the_location_is_no_file(space, calls):
    before = space.world()
    for name in ("", ".", "./."):
        for method in ("write", "read", "size"):
            with pytest.raises((SuspiciousFileOperation, ValueError, IsADirectoryError)):
                METHODS[method](calls, name)
    assert space.world() == before


@pytest.mark.ours("Django's storages have no unfinished uploads")
def test_names_of_unfinished_uploads_cannot_be_asked_for(seed, calls, backend):
    seed({"a.txt": b"1"})
    for method in sorted(METHODS.keys() - {"path"}):
        with pytest.raises(SuspiciousFileOperation):
            METHODS[method](calls, f"d/.{'0' * 32}.uploading")
