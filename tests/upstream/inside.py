"""Runs Django's ``runtests.py`` in this process, our storages in place: started by ``tests.upstream``, not by hand."""

from __future__ import annotations

import runpy
import sys
import unittest
from collections.abc import Iterator
from typing import Any

from tests.upstream.excluded import EXCLUDED
from tests.upstream.stand_ins import put_in_place


def main(script: str, arguments: list[str]) -> None:
    """Run the script as if it had been called with the arguments."""
    put_in_place()
    from django.test.runner import DiscoverRunner

    build_suite, suite_result = DiscoverRunner.build_suite, DiscoverRunner.suite_result
    excluded: set[str] = set()
    unknown: set[str] = set()

    def build_and_mark(self: Any, *args: Any, **kwargs: Any) -> Any:
        suite = build_suite(self, *args, **kwargs)
        names, modules = _mark(suite)
        excluded.update(names & set(EXCLUDED))
        unknown.update(name for name in set(EXCLUDED) - names if name.rsplit(".", 2)[0] in modules)
        return suite

    def count_and_judge(self: Any, suite: Any, result: Any, **kwargs: Any) -> int:
        failed = suite_result(self, suite, result, **kwargs)
        bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
        good = result.testsRun - bad - len(result.skipped) - len(result.expectedFailures)
        print(
            f"{result.testsRun} tests of Django's: {good} passed, {bad} failed, {len(result.skipped)} skipped by "
            f"Django, {len(result.expectedFailures)} excluded by us."
        )
        for name in sorted(excluded):
            print(f"  excluded: {name}\n    {EXCLUDED[name]}")
        for test in result.unexpectedSuccesses:
            print(f"  passes, so it must not be excluded: {test.id()}")
        for name in sorted(unknown):
            print(f"  excluded, but there is no such test: {name}")
        return failed + len(unknown)

    DiscoverRunner.build_suite = build_and_mark  # type: ignore[method-assign]
    DiscoverRunner.suite_result = count_and_judge  # type: ignore[method-assign]
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


def _mark(suite: Any) -> tuple[set[str], set[str]]:
    """Expect the excluded tests to fail; return the names of all tests, and of the modules that define them."""
    names, modules = set(), set()
    for test in _tests(suite):
        function = getattr(test, test._testMethodName)
        name = f"{function.__module__}.{function.__qualname__}"
        names.add(name)
        modules.add(function.__module__)
        if name in EXCLUDED:
            test.__unittest_expecting_failure__ = True  # type: ignore[attr-defined]
    return names, modules


def _tests(suite: Any) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _tests(test)
        else:
            yield test


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
