"""Times, addresses, paths and the methods about names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.filesystems import Promise
from tests.contract.backends import BASE_URL


class TestTimes:
    @pytest.mark.promise(Promise.TIMES)
    def test_the_modification_time_is_known(self, seed, calls):
        before = datetime.now(UTC) - timedelta(seconds=2)
        seed({"a.txt": b"1"})
        assert before <= calls.get_modified_time("a.txt") <= datetime.now(UTC) + timedelta(seconds=2)

    def test_times_are_aware_and_right(self, calls):
        before = datetime.now(UTC)
        calls.put("a.txt")
        for method in ("get_modified_time", "get_created_time", "get_accessed_time"):
            try:
                time = getattr(calls, method)("a.txt")
            except NotImplementedError:
                assert method != "get_modified_time"
                continue
            assert time.tzinfo is not None
            assert before - timedelta(seconds=2) <= time <= datetime.now(UTC) + timedelta(seconds=2)

    def test_a_time_is_a_time_or_not_implemented(self, seed, calls):
        seed({"a.txt": b"1"})
        for method in ("get_modified_time", "get_created_time", "get_accessed_time"):
            try:
                assert isinstance(getattr(calls, method)("a.txt"), datetime)
            except NotImplementedError as error:
                assert type(error) is NotImplementedError

    def test_without_use_tz_they_are_naive_and_local(self, calls):
        with override_settings(USE_TZ=False):
            before = datetime.now()
            calls.put("a.txt")
            time = calls.get_modified_time("a.txt")
            assert time.tzinfo is None
            assert before - timedelta(seconds=2) <= time <= datetime.now() + timedelta(seconds=2)


class TestUrls:
    def test_a_url_is_the_base_and_the_quoted_name(self, calls):
        url = calls.url("a b/ü?#[%].txt")
        assert url.startswith(BASE_URL)
        assert unquote(url.removeprefix(BASE_URL)) == "a b/ü?#[%].txt"
        assert not set("?# []") & set(url)

    def test_no_name_is_the_base(self, calls):
        assert calls.url(None) == BASE_URL
        assert calls.url("") == BASE_URL

    @pytest.mark.parametrize("name", ["/a.txt", "//a.txt", "\\a.txt", "\\\\a.txt", "/\\/a.txt"])
    def test_leading_slashes_do_not_count(self, calls, name):
        assert calls.url(name) == BASE_URL + "a.txt"

    def test_without_a_base_url_the_error_is_what_django_and_wagtail_catch(self, space, calls):
        calls.storage = space.storage(base_url=None)
        with (
            override_settings(MEDIA_URL=None),
            pytest.raises(ValueError, match="base_url|accessible") as caught,
        ):
            calls.url("a.txt")
        assert isinstance(caught.value, NotImplementedError)


class TestPath:
    def test_a_path_is_given_on_local_disk_and_nowhere_else(self, space, backend, storage):
        if backend.protocol in ("file", None):
            storage.save("a/b.txt", ContentFile(b"1"))
            assert Path(storage.path("a/b.txt")).read_bytes() == b"1"
        else:
            with pytest.raises(NotImplementedError) as caught:
                storage.path("a/b.txt")
            assert type(caught.value) is NotImplementedError


class TestNames:
    def test_the_name_methods_do_what_djangos_do(self, storage):
        assert storage.get_valid_name("a b?.txt") == "a_b.txt"
        assert storage.generate_filename("a/b c.txt") == "a/b_c.txt"
        assert storage.get_available_name("a.txt") == "a.txt"
        assert storage.is_name_available("a.txt")
        storage.save("a.txt", ContentFile(b"1"))
        assert not storage.is_name_available("a.txt")
        assert storage.get_available_name("a.txt") != "a.txt"
        assert not storage.is_name_available("long-name.txt", max_length=5)
        alternative = storage.get_alternative_name("d/a", ".txt")
        assert alternative.startswith("d/a_")
        assert len(alternative) == len("d/a_1234567.txt")

    @pytest.mark.on("coroutine", "dir-over-memory", "dir-over-local")
    @pytest.mark.parametrize("letter", ["x", "ü"])
    def test_an_alternative_is_no_longer_than_the_filesystem_allows(self, space, calls, letter):
        limit = calls.storage.fs.max_path - len(calls.storage.fs_path("").encode()) - 1
        folders = "/".join(["d" * 199] * ((limit - 50) // 200)) + "/"
        room = limit - len(folders) - len(".txt")
        name = f"{folders}{letter * (room // len(letter.encode()))}.txt"
        saved = [calls.put(name, b"1"), calls.put(name, b"2"), calls.put(name, b"3")]
        assert saved[0] == name
        assert len(set(saved)) == 3
        assert all(len(each.encode()) <= limit and each.endswith(".txt") for each in saved)
        assert space.files() == dict(zip(saved, [b"1", b"2", b"3"], strict=True))
