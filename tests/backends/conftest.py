"""An environment that says nothing of Amazon, whatever the machine's does."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.test import override_settings


@pytest.fixture(autouse=True)
def no_amazon_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with override_settings(UNRELATED=1):
        yield
