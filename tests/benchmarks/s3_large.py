"""200 MB each way: time and memory, beside the peer, over a server that is not the limit."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import MB, Row
from tests.benchmarks.rivals import Figures, Rivals, Worker, in_turns, row_of
from tests.benchmarks.s3_requests import options_of
from tests.benchmarks.s3_stub import StubServer

__all__ = ["measure_large", "measure_memory"]

_LARGE = 200 * MB
_ROUNDS = 7
_PEAKS = 3
_RTTS = (0.0, 0.02)

#: What is measured, and the work that it is.
_READS: dict[str, dict[str, Any]] = {
    "read 200 MB in 64 KB": {"work": "chunks", "name": "large", "size": 64 * 1024},
    "read 200 MB in 256 KB": {"work": "chunks", "name": "large", "size": 256 * 1024},
    "read 200 MB at once": {"work": "read", "name": "large"},
}


def _works(folder: str) -> dict[str, dict[str, Any]]:
    return {"save 200 MB": {"work": "save_file", "name": "saved", "path": f"{folder}/source"}, **_READS}


def _source(folder: str) -> None:
    with Path(folder, "source").open("wb") as file:
        file.writelines(bytes([number % 256]) * MB for number in range(_LARGE // MB))


def _store(worker: Worker, folder: str) -> None:
    worker.call("save_file", name="large", path=f"{folder}/source")


def measure_large(rivals: Rivals) -> list[Row]:
    """Return the rows of the clock: at least as fast as the peer."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, StubServer() as server:
        _source(folder)
        with rivals.workers(**options_of(server)) as workers:
            _store(workers[0], folder)
            for what, call in _works(folder).items():
                for rtt in _RTTS:
                    server.network(rtt)
                    rows.append(_timed(f"{what}, {rtt * 1e3:.0f} ms RTT", workers, call))
    return rows


def _timed(what: str, workers: list[Worker], call: dict[str, Any]) -> Row:
    def measure(worker: Worker, turn: int) -> dict[str, Any]:
        return worker.call(**call)

    in_turns(workers, measure, 1)
    row = row_of(what, in_turns(workers, measure, _ROUNDS), _seconds, "<= 1.00")
    row.met = None if row.ratio is None else row.ratio <= 1
    return row


def _seconds(found: Figures) -> str:
    return f"{found.median('seconds'):.2f} s, {found.median('cpu'):.2f} s CPU"


def measure_memory(rivals: Rivals) -> list[Row]:
    """Return the rows of memory above the start, each time in a new process that has asked for one file before."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, StubServer() as server:
        _source(folder)
        options = options_of(server)
        with rivals.worker(rivals.packages[0], **options) as worker:
            _store(worker, folder)
        server.network(0.02)
        for what, call in _works(folder).items():

            def peak(package: str, turn: int, call: dict[str, Any] = call) -> Mapping[str, Any]:
                with rivals.worker(package, **options) as worker:
                    worker.call("exists", name="missing")
                    answer: dict[str, Any] = worker.ask("peak", **call)
                    return answer

            figures = in_turns(rivals.packages, peak, _PEAKS)
            limit = 64 * MB + (_LARGE if call["work"] == "read" else 0)  # which asks for all of it
            peaks = [statistics.median(found.all("peak")) for found in figures]
            rows.append(
                Row(
                    f"{what}, peak memory",
                    f"{peaks[0] / MB:.0f} MB",
                    f"{peaks[1] / MB:.0f} MB" if peaks[1:] else None,
                    goal=f"< {limit // MB} MB",
                    met=peaks[0] < limit,
                )
            )
    return rows
