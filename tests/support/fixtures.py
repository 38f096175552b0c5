"""Fixtures made of others. Nothing here may import Django."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

__all__ = ["each_of"]


def each_of(*names: str, ids: Sequence[str] | None = None) -> Any:
    """Return a fixture that is each of these fixtures, one after the other; a module gives it a name of its own.

    :param ids: what tests are called by instead of the names.
    """

    @pytest.fixture(params=names, ids=ids)
    def one(request: pytest.FixtureRequest) -> Any:
        return request.getfixturevalue(request.param)

    return one
