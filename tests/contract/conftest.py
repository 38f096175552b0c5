"""Fixtures of the contract suite, and how its tables decide which test runs where and what is to come of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import Storage

from tests.contract.backends import BACKENDS, CANARIES, LOCATION, SERVERS, Backend, Files, construct
from tests.contract.calls import AsyncCalls, Calls
from tests.contract.deviations import FAILS, NOT_OBSERVED, declared
from tests.contract.http_server import serve
from tests.contract.racing import Process

_MARKERS = (
    "promise(which): a backend that declares not to keep this promise must be seen not to",
    "writes: the test writes, although it also takes `seed`",
    "ours(why): about what Django's own storage does not have, and why",
    "on(*backends): about these backends only",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


# Which test runs where


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on every backend that can run it, in both colours if it takes ``calls``."""
    if "backend" not in metafunc.fixturenames:
        return
    colours = ["sync", "async"] if "colour" in metafunc.fixturenames else ["sync"]
    rows = [
        pytest.param(name, colour, id=f"{name}-{colour}" if len(colours) > 1 else name)
        for name, backend in BACKENDS.items()
        if _can_run(metafunc, name, backend)
        for colour in (colours if backend.ours else ["sync"])  # Django's storages have no async API
    ]
    if len(colours) == 1:
        rows = [pytest.param(row.values[0], id=row.id) for row in rows]
    metafunc.parametrize(("backend", "colour")[: len(colours)], rows, indirect=True)


def _can_run(metafunc: pytest.Metafunc, name: str, backend: Backend) -> bool:
    marks = {mark.name: mark for mark in metafunc.definition.iter_markers()}
    if "on" in marks:
        return name in marks["on"].args
    if not backend.ours and "ours" in marks:
        return False
    if not backend.shared and "processes" in metafunc.fixturenames:
        return False
    reads = "seed" in metafunc.fixturenames and "writes" not in marks
    return (backend.writable or reads) and not declared(NOT_OBSERVED, name, metafunc.function.__name__)


# What is to come of it


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Demand that a test fails where its backend is declared to deviate."""
    reason = _declared_reason(pyfuncitem)
    if reason is None:
        return (yield)
    try:
        yield
    except (Exception, pytest.fail.Exception):
        return True
    pytest.fail(f"This backend is declared to fail here ({reason}), and does not: take the declaration back.")


def _declared_reason(item: pytest.Function) -> str | None:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if "backend" not in parameters:
        return None
    name = str(parameters["backend"])
    where = f"{name}-{parameters['colour']}" if "colour" in parameters else name
    own = f"-{item.callspec.id}-".replace(f"-{where}-", "-", 1).strip("-")
    test = item.originalname + (f"[{own}]" if own else "")
    for mark in item.iter_markers("promise"):
        reason = BACKENDS[name].deviations.get(mark.args[0])
        if reason is not None:
            return reason
    return declared(FAILS, name, test)


# Fixtures


@dataclass
class Space:
    """A place of its own for one test: a location with nothing in it, and canaries around it."""

    backend: Backend
    root: Path
    server: str

    def storage(self, **options: Any) -> Storage:
        """Return a new storage of this place."""
        return construct(self.configuration(**options))

    def configuration(self, **options: Any) -> dict[str, Any]:
        """Return this place as an entry of ``STORAGES``."""
        return self.backend.configuration(self.root, self.server, **options)

    def world(self) -> Files:
        """Return everything there is, outside the location too."""
        return self.backend.world(self.root)

    def files(self) -> Files:
        """Return everything in the location, temporary names included."""
        inside = LOCATION + "/"
        return {
            p.removeprefix(inside): content for p, content in self.world().items() if p.startswith(inside)
        }

    @property
    def disk(self) -> Path:
        """The root, where it is on a disk of this machine."""
        return self.backend.disk(self.root)

    def seed(self, files: Files) -> None:
        """Put files into the location, as another process would."""
        self.backend.seed(self.root, {f"{LOCATION}/{name}": content for name, content in files.items()})


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the temporary folders of all tests."""
    with serve(tmp_path_factory.getbasetemp()) as address:
        yield address


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    """Return a row of the table of backends."""
    return BACKENDS[request.param]


@pytest.fixture
def colour(request: pytest.FixtureRequest) -> str:
    """Return ``"sync"`` or ``"async"``."""
    return str(request.param)


@pytest.fixture
def space(
    backend: Backend, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Space]:
    """Return an empty place on the backend."""
    address = ""
    if backend.protocol == "http":
        served = tmp_path.relative_to(tmp_path_factory.getbasetemp()).as_posix()
        address = f"{request.getfixturevalue('server')}/{served}"
    if backend.fixture is not None:
        SERVERS[backend.fixture] = request.getfixturevalue(backend.fixture)
        backend.prepare(tmp_path)
    backend.seed(tmp_path, CANARIES)
    if not backend.ours:
        (tmp_path / LOCATION).mkdir()  # Django's open() makes no folders: one test says so, the others go on
    yield Space(backend, tmp_path, address)
    backend.forget(tmp_path)


@pytest.fixture
def storage(space: Space) -> Storage:
    """Return a storage with nothing in it."""
    return space.storage()


@pytest.fixture
def seed(space: Space) -> Callable[[Files], None]:
    """Return a function that puts files into the location without the storage."""
    return space.seed


@pytest.fixture
def calls(storage: Storage, colour: str) -> Iterator[Calls]:
    """Return the storage's API in one of its colours."""
    calls = AsyncCalls(storage) if colour == "async" else Calls(storage)
    yield calls
    calls.close()


@pytest.fixture
def process(space: Space) -> Iterator[Process]:
    """Return a second process with a storage of the same configuration, which may have another memory."""
    with Process(space.configuration()) as process:
        yield process


@pytest.fixture
def processes(space: Space) -> Iterator[list[Process]]:
    """Return two more processes that reach the same files."""
    with Process(space.configuration()) as first, Process(space.configuration()) as second:
        yield [first, second]
