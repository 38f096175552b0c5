"""A plugin for every ``conftest.py``: what lives as long as the tests do is no work of the collector.

The tests, and the libraries they import, are half a million objects. To look through them took a quarter of a second,
each time that a test asks what garbage collection brings about: half the time of a whole run.
"""

from __future__ import annotations

import gc

__all__ = ["pytest_collection_finish", "pytest_runtest_setup"]

_EVERY = 50
_set_up = 0


def pytest_collection_finish() -> None:
    """Set aside the tests themselves."""
    _set_aside()


def pytest_runtest_setup() -> None:
    """Set aside, now and then, what earlier tests have imported and reported."""
    global _set_up
    _set_up += 1
    if _set_up % _EVERY == 0:
        _set_aside()


def _set_aside() -> None:
    gc.collect()
    gc.freeze()
