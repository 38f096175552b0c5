"""The tables themselves: what is declared is visible from the storage, and each declaration is about a test there is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from django_fsspec_storages.filesystems import DEVIATIONS, Promise
from tests.contract.backends import BACKENDS
from tests.contract.deviations import FAILS, NOT_OBSERVED, OBSERVED_BY


def _tests():
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


@pytest.mark.ours("Django's storages declare nothing")
def test_a_storage_says_what_it_cannot_promise(seed, backend, storage):
    seed({"a.txt": b"1"})
    assert dict(storage.deviations) == dict(backend.deviations)
    assert all(isinstance(promise, Promise) and reason for promise, reason in storage.deviations.items())


@pytest.mark.parametrize("table", [FAILS, NOT_OBSERVED], ids=["FAILS", "NOT_OBSERVED"])
def test_every_declaration_is_about_a_test_and_gives_a_reason(table):
    tests = set(_tests())
    for name, deviations in table.items():
        assert name in BACKENDS
        for deviation in deviations:
            assert deviation.reason
            assert {pattern.partition("[")[0] for pattern in deviation.tests} <= tests


def test_every_promise_that_is_not_kept_is_seen_not_to_be_kept_or_has_a_reason():
    tests = set(_tests())
    for name, backend in BACKENDS.items():
        for promise in backend.deviations:
            shown = OBSERVED_BY.get((name, promise)) or OBSERVED_BY[("*", promise)]
            assert shown in tests or " " in shown, (name, promise)


def test_no_test_has_the_name_of_another_in_the_tables():
    names = list(_tests())
    declared = {
        p.partition("[")[0] for t in (FAILS, NOT_OBSERVED) for ds in t.values() for d in ds for p in d.tests
    }
    assert [name for name in declared if names.count(name) != 1] == []


def test_the_table_of_promises_knows_no_promise_that_is_none():
    assert {promise for row in DEVIATIONS.values() for promise in row} <= set(Promise)
