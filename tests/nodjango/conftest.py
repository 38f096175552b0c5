"""What the tests of the filesystems share. Nothing here may import Django."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems import MENDED
from django_fsspec_storages.filesystems.driver import arun, run
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.examples import never_too_slow
from tests.support.filesystems import filesystem_for

Colour = Callable[..., Any]


def pytest_configure(config: pytest.Config) -> None:
    """Add the real servers, unless ``tests/conftest.py`` has added them: each is started once."""
    config.pluginmanager.import_plugin("tests.servers.fixtures")
    never_too_slow()


def blocking(logic: Any, translate: Any = None) -> Any:
    """Run a logic in this thread."""
    return run(logic, translate)


def asynchronous(logic: Any, translate: Any = None) -> Any:
    """Run a logic from an event loop of its own."""
    return asyncio.run(arun(logic, translate))


@pytest.fixture(params=[blocking, asynchronous], ids=["blocking", "asynchronous"])
def colour(request: pytest.FixtureRequest) -> Colour:
    """Both drivers, one after the other."""
    return request.param


@dataclass
class Place:
    """A filesystem and an empty folder on it."""

    filesystem: Any
    root: str

    def path(self, name: str) -> str:
        """Return the final path of a name in the folder."""
        return f"{self.root}/{name}"

    def write(self, name: str, content: bytes) -> str:
        """Put a file there and return its path."""
        with self.open(name, "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, name: str) -> bytes:
        """Return what a file holds."""
        with self.open(name, "rb") as file:
            return file.read()

    def open(self, name: str, mode: str, **options: Any) -> Any:
        """Open a file there as users of the filesystem do."""
        return self.filesystem.open(self.path(name), mode, **options)

    def names(self) -> list[str]:
        """Return every file at any depth, by its name in the folder, in the order of the scan."""
        try:
            paths = [facts.path for page in self.filesystem.scan(self.root) for facts in page]
        except FileNotFoundError:
            return []
        return [path.removeprefix(self.root + "/") for path in paths]

    def leftovers(self) -> list[str]:
        """Return what unfinished uploads left behind."""
        return [facts.path for facts in self.filesystem.leftovers(self.root)]


@pytest.fixture
def costore() -> CoroutineMemoryFileSystem:
    """An empty object store."""
    return filesystem_for("costore", {"store": uuid.uuid4().hex})


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        MENDED,
        "costore",
        "tests.support.coroutine_memory:CoroutineMemoryFileSystem",
    )


def _local(tmp_path: Path) -> Place:
    return Place(filesystem_for("file"), str(tmp_path))


def _memory(tmp_path: Path) -> Place:
    return Place(filesystem_for("memory", {"space": uuid.uuid4().hex}), "/root")


def _costore(tmp_path: Path) -> Place:
    return Place(filesystem_for("costore", {"store": uuid.uuid4().hex}), "root")


def _fallback(tmp_path: Path) -> Place:
    return Place(filesystem_for("dir", {"path": f"/{uuid.uuid4().hex}", "target_protocol": "memory"}), "root")


PLACES = {"local": _local, "memory": _memory, "coroutine": _costore, "fallback": _fallback}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Every kind of filesystem, one after the other."""
    return PLACES[request.param](tmp_path)
