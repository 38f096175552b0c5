"""How often one logs in, and a server that is restarted meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.files_bench import BENCHES, Bench, Run
from tests.benchmarks.measuring import Row
from tests.benchmarks.operations import SIZE
from tests.benchmarks.rivals import Figures, Worker, in_turns, row_of

__all__ = ["measure_logins", "measure_restart"]

_RTT = 0.01

#: Seconds for an operation after a restart.
_PATIENCE = 90

_NAME = "restart/a.bin"

#: What is done, and its right result, if it has one.
_ATTEMPTS: list[tuple[dict[str, Any], Any]] = [
    ({"work": "save", "name": "restart/b.bin", "size": SIZE}, "restart/b.bin"),
    ({"work": "read", "name": _NAME}, SIZE),
    ({"work": "exists", "name": _NAME}, True),
    ({"work": "size", "name": _NAME}, SIZE),
    ({"work": "listdir", "path": "restart"}, 1),
    ({"work": "delete", "name": _NAME}, None),
]


def measure_logins(protocol: str, run: Run) -> list[Row]:
    """Return the row of many saves."""
    count = run.sizes.saves
    with BENCHES[protocol](run, _RTT) as bench:

        def measure(worker: Worker, turn: int) -> dict[str, Any]:
            before, name = bench.connections(), f"many/{worker.package}"
            done = worker.call("save_many", name=name, size=SIZE, count=count)
            saved = sum(path.name.startswith(worker.package) for path in (bench.folder / "many").iterdir())
            assert done["result"] == saved == count
            return {**done, "logins": bench.connections() - before}

        with bench.workers() as workers:
            figures = in_turns(workers, measure, 1)
    what = f"{count} saves of 1 KB one after another, {_RTT * 1e3:.0f} ms RTT"
    row = row_of(what, figures, _logins, "1 login")
    row.met = figures[0].median("logins") == 1
    return [row]


def _logins(found: Figures) -> str:
    logins = int(found.median("logins"))
    return f"{logins} login{'s' * (logins != 1)}, {found.median('seconds'):.1f} s"


def measure_restart(protocol: str, run: Run) -> list[Row]:
    """Return the row of a server that is restarted between two operations."""
    with BENCHES[protocol](run) as bench:
        found = [_attempts(bench, package) for package in run.rivals.packages]
    told = [f"{len(_ATTEMPTS) - len(failed)} of {len(_ATTEMPTS)} work" for failed in found]
    for package, failed in zip(run.rivals.packages, found, strict=True):
        for failure in failed:
            print(f"after a restart, {package}: {failure}")
    row = Row("server restarted, the next operation", told[0], told[1] if told[1:] else None)
    row.goal, row.met = "all work", not found[0]
    return [row]


def _attempts(bench: Bench, package: str) -> list[str]:
    """Return what does not work, and why."""
    folder = bench.folder / "restart"
    folder.mkdir(exist_ok=True)
    failed = []
    for call, expected in _ATTEMPTS:
        for path in folder.iterdir():
            path.unlink()
        (bench.folder / _NAME).write_bytes(bytes(SIZE))
        with bench.worker(package) as worker:
            worker.call("exists", name=_NAME)
            bench.server.restart()
            worker.tell("attempt", **call)
            try:
                answer = worker.answer(_PATIENCE)
            except TimeoutError:
                answer = {"result": None, "error": "hangs"}
        if answer["error"] or answer["result"] != expected or not _done(call, folder):
            failed.append(f"{call['work']}: {answer['error'] or answer['result']}")
    return failed


def _done(call: dict[str, Any], folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return names == {"save": {"a.bin", "b.bin"}, "delete": set()}.get(call["work"], {"a.bin"})
