"""Storages for the data libraries, and a table to write and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest
from django.core.files.storage import storages
from django.test import override_settings

from tests.data.registering import register

SECRET = "hunter2"

OURS = "django_fsspec_storages.FsspecStorage"
#: Alias -> whether it is a storage of ours.
ALIASES = {"local": True, "memory": True, "django": False, "inmemory": False}


@pytest.fixture(autouse=True)
def root(tmp_path: Path) -> Iterator[Path]:
    """Configure the aliases, and return the folder that those on disk are in."""
    register()
    configured: dict[str, Any] = {
        "local": {
            "BACKEND": OURS,
            "OPTIONS": {"location": tmp_path / "local", "storage_options": {"token": SECRET}},
        },
        "memory": {"BACKEND": OURS, "OPTIONS": {"protocol": "memory", "location": f"{tmp_path.name}/media"}},
        "django": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "django"},
        },
        "inmemory": {
            "BACKEND": "django.core.files.storage.InMemoryStorage",
        },
    }
    with override_settings(STORAGES=configured):
        yield tmp_path


@pytest.fixture(params=ALIASES)
def alias(request: pytest.FixtureRequest) -> str:
    """Every alias, one after the other."""
    return str(request.param)


@pytest.fixture(params=[alias for alias, ours in ALIASES.items() if ours])
def storage(request: pytest.FixtureRequest) -> Any:
    """The storages of ours, one after the other."""
    return storages[request.param]


@pytest.fixture
def folder(alias: str) -> str:
    """The URL of a folder that does not exist yet."""
    return f"djstorage://{alias}/new/folder"


@pytest.fixture
def table() -> pd.DataFrame:
    """Text beyond ASCII, numbers and a gap."""
    return pd.DataFrame(
        {"city": ["Bonn", "Köln", "東京", "Köln"], "count": [1, 2, 3, 4], "share": [0.5, None, 1.5, 2.0]}
    )


@pytest.fixture
def filesystem() -> Any:
    """The filesystem of all aliases."""
    return fsspec.filesystem("djstorage")
