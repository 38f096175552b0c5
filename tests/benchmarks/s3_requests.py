"""How many requests an operation makes, how many round trips it takes, and how many bytes move."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.measuring import MB, Row
from tests.benchmarks.operations import SIZE, STORED, Operation
from tests.benchmarks.rivals import Figures, Rivals, Worker, in_turns, row_of
from tests.benchmarks.s3_stub import StubServer
from tests.servers.ministack import MiniStack
from tests.servers.process import HOST
from tests.servers.proxy import Listening, Proxy
from tests.servers.s3 import Keys

__all__ = ["measure_listing", "measure_middle", "measure_small", "options_of"]

_RTT = 0.05
_ROUNDS = 11
_NAMES = 5000
_ANY = Keys("testing", "testing")


_OPERATIONS = [
    Operation("save 1 KB, overwriting", STORED, STORED, round_trips=1.3),
    Operation("save 1 KB, not overwriting, name free", STORED, round_trips=1.3, overwrite=False),
    Operation("save 1 KB, not overwriting, name taken", STORED, STORED, most=None, overwrite=False),
    Operation('open("wb") and write 1 KB', {"work": "write", "name": "{name}", "size": SIZE}),
    Operation("open and read 1 KB", {"work": "read", "name": "{name}"}, STORED),
    Operation("exists, hit", {"work": "exists", "name": "{name}"}, STORED),
    Operation("exists, miss", {"work": "exists", "name": "{name}"}),
    Operation("size", {"work": "size", "name": "{name}"}, STORED),
    Operation("get_modified_time", {"work": "modified", "name": "{name}"}, STORED),
    Operation("delete", {"work": "delete", "name": "{name}"}, STORED),
]


@dataclass
class _Bench:
    """A bucket on a server behind a proxy that counts."""

    proxy: Proxy
    options: dict[str, Any]
    bucket: Any = None

    def counted(self, worker: Worker, **call: Any) -> dict[str, Any]:
        """Do one thing; return what it took and the requests that passed meanwhile."""
        with self.proxy.counting() as requests:
            done = worker.call(**call)
        moved = sum(request.up + request.down for request in requests)
        return {**done, "requests": len(requests), "moved": moved, "round_trips": done["seconds"] / _RTT}


def options_of(server: Listening, bucket: str = "bucket", keys: Keys = _ANY) -> dict[str, Any]:
    """Return the options of a storage in a bucket; both rivals take them."""
    return {
        "bucket_name": bucket,
        "endpoint_url": f"http://{HOST}:{server.port}",
        "region_name": "us-east-1",
        "access_key": keys.key,
        "secret_key": keys.secret,
        "signature_version": "s3v4",
    }


@contextmanager
def _real() -> Iterator[_Bench]:
    with MiniStack() as server, Proxy(server) as proxy:
        bucket = server.bucket("benchmark")
        yield _Bench(proxy, options_of(proxy, bucket.name, server.keys), bucket)


@contextmanager
def _quick() -> Iterator[_Bench]:
    with StubServer() as server, Proxy(server) as proxy:
        yield _Bench(proxy, options_of(proxy))


def measure_small(rivals: Rivals) -> list[Row]:
    """Return the rows of 1 KB: requests are counted on a real server, time is taken on one that takes none itself."""
    found: dict[str, list[list[Figures]]] = {}
    for make, rtt, rounds in ((_real, 0.0, 2), (_quick, _RTT, _ROUNDS)):
        with make() as bench:
            for overwrite in (True, False):
                with rivals.workers(**bench.options, file_overwrite=overwrite) as workers:
                    for operation in _OPERATIONS:
                        if operation.overwrite is overwrite:
                            figures = _small(bench, workers, operation, rtt, rounds)
                            found.setdefault(operation.what, []).append(figures)
    return [_row(operation, *found[operation.what]) for operation in _OPERATIONS]


def _small(
    bench: _Bench, workers: list[Worker], operation: Operation, rtt: float, rounds: int
) -> list[Figures]:
    def measure(worker: Worker, turn: int) -> dict[str, Any]:
        name = f"{operation.what}/{worker.package}-{turn}.bin".replace('"', "")
        call, before = operation.calls(name)
        if before:
            bench.proxy.network(rtt=0)
            worker.call(**before)
        bench.proxy.network(rtt=rtt)
        return bench.counted(worker, **call)

    in_turns(workers, lambda worker, turn: measure(worker, -1), 1)  # connects
    return in_turns(workers, measure, rounds)


def _row(operation: Operation, counted: list[Figures], timed: list[Figures]) -> Row:
    def show(requests: Figures, time: Figures) -> str:
        return f"{requests.median('requests'):.0f}, {time.median('round_trips'):.2f} RTT"

    row = row_of(operation.what, timed, lambda time: show(counted[timed.index(time)], time))
    most, trips = operation.most, operation.round_trips
    if most is not None:
        row.goal = f"{most}" + (f", <= {trips} RTT" if trips else "")
        row.met = max(counted[0].all("requests")) <= most
        row.met &= trips is None or timed[0].median("round_trips") <= trips
    return row


def measure_middle(rivals: Rivals) -> list[Row]:
    """Return the rows of 64 KB from the middle of 100 MB."""
    where = {"name": "large", "start": 50 * MB, "length": 64 * 1024}
    rows = []
    with _real() as bench:
        bench.bucket.put("large", bytes(100 * MB))
        bench.proxy.network(rtt=_RTT)
        with rivals.workers(**bench.options) as workers:
            for what, work, most in (("open", "middle", 2), ("open_stream", "middle_stream", 1)):
                measured = workers if work == "middle" else workers[:1]
                figures = _warm(bench, measured, work=work, **where)
                row = row_of(f"64 KB of 100 MB, {what}", figures, _moved, f"{most}, < 200 KB")
                row.met = figures[0].median("requests") <= most and figures[0].median("moved") < 200_000
                rows.append(row)
    return rows


def _moved(found: Figures) -> str:
    return f"{found.median('requests'):.0f}, {found.median('moved') / 1000:,.0f} KB"


def measure_listing(rivals: Rivals) -> list[Row]:
    """Return the row of 5,000 names in a folder."""
    with _real() as bench:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: bench.bucket.put(f"folder/{number:06}.bin"), range(_NAMES)))
        with rivals.workers(**bench.options) as workers:
            figures = _warm(bench, workers, work="listdir", path="folder")
    row = row_of(f"listdir of {_NAMES:,}", figures, _listed, "5")
    complete = all(found["result"] == _NAMES for found in figures[0].rounds)
    row.met = complete and figures[0].median("requests") <= 5
    return [row]


def _listed(found: Figures) -> str:
    return f"{found.median('requests'):.0f}, {found.median('cpu') * 1e3:.0f} ms CPU"


def _warm(bench: _Bench, workers: list[Worker], **call: Any) -> list[Figures]:
    def measure(worker: Worker, turn: int) -> dict[str, Any]:
        return bench.counted(worker, **call)

    in_turns(workers, measure, 1)
    return in_turns(workers, measure, 3)
