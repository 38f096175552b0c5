"""Small operations: round trips of SFTP, commands and data connections of FTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.benchmarks.files_bench import BENCHES, Bench, Run
from tests.benchmarks.measuring import MB, Row
from tests.benchmarks.operations import SIZE, STORED, Operation
from tests.benchmarks.rivals import Figures, Worker, in_turns, row_of

__all__ = ["measure_commands", "measure_round_trips"]

#: Long, beside what a server takes itself.
_RTT = 0.05

#: Of a round trip: how much later than that the timers of the proxy are, in a few.
_LATE = 0.3

#: So often commands are counted: they are the same each time.
_COUNTS = 3

_NAME = {"name": "{name}"}
_SAVES = [
    Operation("save 1 KB, overwriting", STORED, STORED, 6, 5),
    Operation("save 1 KB, not overwriting, name free", STORED, None, 8, 5, overwrite=False),
    Operation("save 1 KB, not overwriting, name taken", STORED, STORED, None, overwrite=False),
    Operation('open("wb") and write 1 KB', {"work": "write", **_NAME, "size": SIZE}, None, None),
]
_OTHERS = [
    Operation("open and read 1 KB", {"work": "read", **_NAME}, STORED, None),
    Operation("exists, hit", {"work": "exists", **_NAME}, STORED),
    Operation("exists, miss", {"work": "exists", **_NAME}),
    Operation("size", {"work": "size", **_NAME}, STORED),
    Operation("get_modified_time", {"work": "modified", **_NAME}, STORED),
    Operation("delete", {"work": "delete", **_NAME}, STORED, None),
    Operation("listdir of 20", {"work": "listdir", "path": "listed"}, None, None),
]
_OPERATIONS = [*_SAVES, *(replace(operation, overwrite=False) for operation in _OTHERS)]


def measure_round_trips(protocol: str, run: Run) -> list[Row]:
    """Return the rows of SFTP. A round trip is the time over a slow network, less that over a quick one, in its RTT."""
    rows = []
    with BENCHES[protocol](run, rtt=0.0) as bench:

        def measure(worker: Worker, operation: Operation, turn: int) -> dict[str, Any]:
            seconds = []
            for number, rtt in enumerate((0.0, _RTT)):
                call = _prepared(worker, operation, f"{turn}-{number}")
                bench.network(rtt)
                seconds.append(worker.call(**call)["seconds"])
                bench.network(0)
            return {"seconds": seconds[1], "round_trips": (seconds[1] - seconds[0]) / _RTT}

        ours = {"save 1 KB, overwriting"}
        for operation, figures in _measured(bench, measure, run.sizes.many, ours):
            most = operation.round_trips
            row = row_of(operation.what, figures, _trips, f"<= {most:.0f} RTT" if most else "")
            row.met = figures[0].median("round_trips") <= most + _LATE if most else None
            rows.append(row)
    return rows


def _trips(found: Figures) -> str:
    return f"{found.median('round_trips'):.1f} RTT"


def measure_commands(protocol: str, run: Run) -> list[Row]:
    """Return the rows of FTP: what is said after the login."""
    rows = []
    with BENCHES[protocol](run, commands=True) as bench:

        def measure(worker: Worker, operation: Operation, turn: int) -> dict[str, Any]:
            return _counted(bench, worker, _prepared(worker, operation, str(turn)))

        for operation, figures in _measured(bench, measure, _COUNTS, {"get_modified_time"}):
            row = row_of(operation.what, figures, _said, f"<= {operation.most}" if operation.most else "")
            row.ratio = row.cpu = None
            row.met = max(figures[0].all("commands")) <= operation.most if operation.most else None
            rows.append(row)
        rows.append(_transfer(bench, run.sizes.transfer))
    return rows


def _transfer(bench: Bench, size: int) -> Row:
    (bench.folder / "large").write_bytes(bytes(size))
    call = {"work": "pieces", "name": "large", "size": 64 * 1024}
    with bench.workers() as workers:
        for worker in workers:
            worker.call("exists", name="missing")
        figures = in_turns(workers, lambda worker, turn: _counted(bench, worker, call), 2)
    assert all(done["result"] == size for found in figures for done in found.rounds)
    row = row_of(f"read {size // MB} MB in 64 KB", figures, _said, "1 data")
    row.ratio = row.cpu = None
    row.met = set(figures[0].all("data")) == {1}
    return row


def _counted(bench: Bench, worker: Worker, call: dict[str, Any]) -> dict[str, Any]:
    bench.server.forget_commands()
    done = worker.call(**call)
    return {**done, "commands": len(bench.server.commands()), "data": bench.server.data_connections()}


def _said(found: Figures) -> str:
    return f"{max(found.all('commands')):.0f} commands, {max(found.all('data')):.0f} data"


def _prepared(worker: Worker, operation: Operation, turn: str) -> dict[str, Any]:
    """Do what goes before; return the call that is measured."""
    call, before = operation.calls(f"small/{_OPERATIONS.index(operation)}-{worker.package}-{turn}.bin")
    if before:
        worker.call(**before)
    return call


def _measured(
    bench: Bench,
    measure: Callable[[Worker, Operation, int], dict[str, Any]],
    rounds: int,
    ours: set[str],
) -> list[tuple[Operation, list[Figures]]]:
    """Measure each operation, when it has been done once.

    :param ours: operations that the peer does not have.
    """
    (bench.folder / "listed").mkdir()
    for number in range(20):
        (bench.folder / "listed" / f"{number}.bin").touch()
    found: dict[str, list[Figures]] = {}
    for overwrite in (True, False):
        with bench.workers(overwrite=overwrite) as workers:
            for operation in _OPERATIONS:
                if operation.overwrite is overwrite:
                    sides = workers[:1] if operation.what in ours else workers
                    figures = [
                        in_turns(sides, lambda worker, turn: measure(worker, operation, turn + first), number)  # noqa: B023
                        for first, number in ((-1, 1), (0, rounds))
                    ]
                    found[operation.what] = figures[1]
    return [(operation, found[operation.what]) for operation in _OPERATIONS]
