"""What a filesystem cannot promise stands in one table, with the reason."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from django_fsspec_storages.filesystems import DEVIATIONS, Promise, deviations_of
from tests.nodjango.conftest import Place
from tests.support.filesystems import filesystem_for

MEMORY = {"target_protocol": "memory"}


def declared(protocol: str, options: dict[str, Any]) -> set[Promise]:
    return set(deviations_of(filesystem_for(protocol, options)))


def test_every_deviation_has_a_reason_in_words() -> None:
    for row in DEVIATIONS.values():
        for promise, reason in row.items():
            assert isinstance(promise, Promise)
            assert len(reason.split()) > 2


def test_the_local_disk_promises_everything() -> None:
    assert declared("file", {}) == declared("local", {}) == set()


def test_memory_promises_everything_but_bounded_memory() -> None:
    assert declared("memory", {"space": uuid.uuid4().hex}) == {Promise.BOUNDED}


def test_what_is_not_mended_declares_what_the_fallback_lacks() -> None:
    assert {Promise.EXCLUSIVE, Promise.STEADY} <= declared("dir", {"path": "/x", **MEMORY})


def test_a_chain_declares_what_every_layer_lacks() -> None:
    cache = filesystem_for("simplecache", {**MEMORY, "cache_storage": "TMP"})
    assert Promise.FRESH in deviations_of(cache)
    inner = filesystem_for("dir", {"path": "/x", "fs": cache.wrapped})
    assert Promise.FRESH in deviations_of(inner)


@pytest.mark.parametrize("promise", [Promise.FRESH, Promise.WRITABLE, Promise.ATOMIC, Promise.TIMES])
def test_the_places_of_these_tests_keep_what_they_do_not_declare(place: Place, promise: Promise) -> None:
    assert promise not in deviations_of(place.filesystem)


def test_a_message_names_the_protocol_and_nothing_secret(place: Place) -> None:
    filesystem = filesystem_for("dir", {"path": "/password=hunter2", **MEMORY})
    assert filesystem.describe() == "dir filesystem"
    assert place.filesystem.describe().endswith(" filesystem")
