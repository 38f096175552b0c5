"""Watchable: one DEBUG line per operation, that says which storage did what to which file."""

from __future__ import annotations

import logging
import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import override_settings

pytestmark = pytest.mark.ours("Django's own storage logs nothing")

LINE = re.compile(
    r"'contract'.*: (?P<operation>\w+) '(?P<name>.*)' bytes=(?P<bytes>\w+) ms=[\d.]+ attempts=(?P<attempts>\d+)"
)


@pytest.fixture
def logged(space, calls, caplog):
    """Return a function that does something and returns what was logged: (operation, name, bytes, attempts)."""
    with override_settings(STORAGES={"contract": space.configuration()}):
        calls.storage = storages["contract"]

        def logged(method, *arguments):
            caplog.clear()
            with caplog.at_level(logging.DEBUG, "django_fsspec_storages"):
                try:
                    getattr(calls, method)(*arguments)
                except FileNotFoundError:
                    pass
            lines = [
                LINE.search(record.getMessage())
                for record in caplog.records
                if record.name.startswith("django_f") and record.levelno == logging.DEBUG
            ]
            assert all(lines), caplog.text
            return [line.group("operation", "name", "bytes", "attempts") for line in lines]

        yield logged


def test_every_question_is_one_line(seed, logged):
    seed({"a.txt": b"12345"})
    assert logged("exists", "a.txt") == [("exists", "a.txt", "None", "1")]
    assert logged("size", "a.txt") == [("size", "a.txt", "None", "1")]
    assert logged("listdir", "") == [("listdir", "", "None", "1")]
    assert logged("exists", "missing.txt") == [("exists", "missing.txt", "None", "1")]
    assert logged("size", "missing.txt") == [("size", "missing.txt", "None", "1")]


def test_a_save_is_one_line_with_its_bytes_and_attempts(logged):
    assert logged("save", "a.txt", ContentFile(b"12345")) == [("save", "a.txt", "5", "1")]
    after_a_conflict = logged(
        "save", "a.txt", ContentFile(b"12345")
    )  # that a name was looked for is seen too
    assert [line for line in after_a_conflict if line[0] == "save"] == [("save", "a.txt", "5", "2")]
    assert logged("delete", "a.txt") == [("delete", "a.txt", "None", "1")]


def test_a_failure_says_what_it_was(seed, calls, logged, caplog):
    seed({"a.txt": b"1"})
    logged("size", "missing.txt")
    assert "failed=FileNotFoundError" in caplog.text


def test_nothing_is_logged_above_debug(seed, calls, caplog):
    seed({"a.txt": b"1"})
    with caplog.at_level(logging.INFO, "django_fsspec_storages"):
        calls.exists("a.txt")
        calls.read("a.txt")
    assert [record for record in caplog.records if record.name.startswith("django_f")] == []
