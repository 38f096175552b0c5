"""One set of errors: what is wrong, on which storage, with which file."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.test import override_settings

pytestmark = pytest.mark.ours("Django's own storage passes on what the operating system says")


def test_a_missing_file_is_named_together_with_its_storage(seed, space, calls):
    seed({"a.txt": b"1"})
    with override_settings(STORAGES={"contract": space.configuration()}):
        for method in ("size", "read"):
            with pytest.raises(FileNotFoundError) as caught:
                getattr(calls, method)("d/missing.txt")
            assert caught.value.filename == "d/missing.txt"
            assert "'contract'" in str(caught.value)
            assert caught.value.__cause__ is not None


@pytest.mark.parametrize("method", ["exists", "size", "read", "listdir", "get_modified_time"])
@pytest.mark.on("http")
def test_a_server_that_does_not_answer_is_a_connection_error(space, seed, calls, method):
    seed({"a.txt": b"1"})
    calls.storage = space.storage(location="http://127.0.0.1:9/nobody")  # the discard port
    with pytest.raises((ConnectionError, TimeoutError)) as caught:
        getattr(calls, method)("a.txt")
    assert "127.0.0.1:9" in str(caught.value)
    assert caught.value.filename == "a.txt"


def test_what_is_refused_is_a_permission_error(space, seed, backend, calls):
    if backend.protocol not in ("file", "dir", "simplecache") or backend.over == "memory":
        return  # nobody is refused
    seed({"a.txt": b"1"})
    space.root.joinpath("outer/location/a.txt").chmod(0)
    try:
        calls.read("a.txt")
    except PermissionError as error:
        assert error.filename == "a.txt"
    finally:
        space.root.joinpath("outer/location/a.txt").chmod(0o600)


def test_constructing_asks_nobody_and_urls_need_nobody(space, seed):
    seed({"a.txt": b"1"})
    storage = space.storage(protocol="no-such-protocol", location="nowhere")
    assert storage.url("a.txt").endswith("/a.txt")
    assert "no-such-protocol" in repr(storage)
    with pytest.raises(ImproperlyConfigured, match="no-such-protocol"):
        storage.exists("a.txt")


def test_a_wrong_option_is_named_with_the_nearest_right_one(space, seed):
    seed({"a.txt": b"1"})
    with pytest.raises(ImproperlyConfigured, match=r"locaton.*Did you mean 'location'"):
        space.storage(locaton="x")
    with pytest.raises(ImproperlyConfigured, match=r"allow_overwrite.*bool"):
        space.storage(allow_overwrite=3)


def test_settings_count_at_once(space, seed, calls):
    seed({"a.txt": b"1"})
    configuration = space.configuration()
    del configuration["OPTIONS"]["base_url"]
    calls.storage = type(calls.storage)(**configuration["OPTIONS"])
    for url in ("https://one.example/", "https://two.example/"):
        if space.backend.protocol in ("file", "memory", None):  # elsewhere Django serves nothing
            with override_settings(MEDIA_URL=url):
                assert calls.url("a.txt") == url + "a.txt"
        with override_settings(FSSPEC_STORAGE_BASE_URL=url):
            assert calls.url("a.txt") == url + "a.txt"


def test_a_location_that_changes_counts_at_once(space, calls):
    calls.put("d/a.txt", b"1")
    before = calls.storage.location
    calls.storage.location = f"{before}/d"
    assert calls.read("a.txt") == b"1"
    assert calls.put("b.txt", b"2") == "b.txt"
    calls.storage.location = before
    assert space.files() == {"d/a.txt": b"1", "d/b.txt": b"2"}


@pytest.mark.parametrize(
    "location", ["../elsewhere", "a/../../b", "https://bucket.example/x", "a\0b", "s3://bucket"]
)
def test_a_location_that_confines_nothing_is_refused(space, calls, location):
    before = space.world()
    calls.storage.location = location
    with pytest.raises(ImproperlyConfigured, match="location"):
        calls.save("a.txt", ContentFile(b"1"))
    with pytest.raises(ImproperlyConfigured, match="location"):
        calls.exists("a.txt")
    assert space.world() == before
