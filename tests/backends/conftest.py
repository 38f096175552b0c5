"""Of Amazon the environment of every test here says nothing, whatever the machine's does; nor of SSH, for who asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings


@pytest.fixture(autouse=True)
def no_amazon_in_the_environment(
    aws_environment: None,  # first, or it would give back what it does not find
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with override_settings(UNRELATED=1):
        yield


@pytest.fixture
def default_waits() -> Iterator[None]:
    """The settings of the tests say nothing of timeouts."""
    with override_settings(FSSPEC_STORAGE_CONNECT_TIMEOUT=None, FSSPEC_STORAGE_READ_TIMEOUT=None):
        yield


@pytest.fixture
def no_ssh_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody has keys on this machine, nor an agent; return where the user's home is, which is missing."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home
