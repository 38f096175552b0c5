"""Many at once: saves of one name, and threads that were not there before."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from tests.benchmarks.measuring import MB, Row
from tests.benchmarks.races import race
from tests.benchmarks.rivals import Figures, Rivals, in_turns, row_of
from tests.benchmarks.s3_requests import options_of
from tests.benchmarks.s3_stub import StubServer
from tests.servers.ministack import MiniStack

__all__ = ["measure_race", "measure_threads"]

#: So many processes save so often, so many threads of theirs at a time under one name.
_PROCESSES, _TURNS, _AT_ONCE = 4, 15, 24
_NEW_THREADS = 16
_ROUNDS = 5


def measure_race(rivals: Rivals) -> list[Row]:
    """Return the row of saves that meet: those that report a name under which something else is found are lost."""
    found = []
    with MiniStack() as server:
        for package in rivals.packages:
            bucket = server.bucket("race")
            options = {**options_of(server, bucket.name, server.keys), "file_overwrite": False}
            with ExitStack() as running:
                racing = [running.enter_context(rivals.worker(package, **options)) for _ in range(_PROCESSES)]
                raced = race(racing, turns=_TURNS, at_once=_AT_ONCE)
            stored = {key: bucket.get(key) for key in bucket.keys()}  # noqa: SIM118  # it is no mapping
            assert raced.saves == _AT_ONCE * _TURNS
            found.append((raced.lost(stored.get), len(raced.errors)))
    told = [f"{lost} lost, {errors} errors" for lost, errors in found]
    what = f"{_AT_ONCE * _TURNS} saves, {_AT_ONCE} at a time under one name"
    theirs = told[1] if told[1:] else None
    return [Row(what, told[0], theirs, goal="0 lost, 0 errors", met=found[0] == (0, 0))]


def measure_threads(rivals: Rivals) -> list[Row]:
    """Return the rows of what new threads cost, each time in a new process."""
    with StubServer() as server:
        options = options_of(server)

        def measure(package: str, turn: int) -> Mapping[str, Any]:
            memory = []
            for plain in (True, False):
                with rivals.worker(package, **options) as worker:
                    worker.call("exists", name="missing")
                    made = worker.ask("threads", count=_NEW_THREADS, plain=plain)
                    memory.append(made["memory"])
            return {**made, "above": memory[1] - memory[0]}

        figures = in_turns(rivals.packages, measure, _ROUNDS)
    memory = row_of(f"{_NEW_THREADS} new threads, exists each: memory", figures, _above, "< 1 MB")
    memory.met = figures[0].median("above") < MB
    made = row_of("… clients and sessions in the process", figures, _made, "1 and 1")
    made.met = figures[0].median("clients") == figures[0].median("sessions") == 1
    return [memory, made]


def _above(found: Figures) -> str:
    return f"{found.median('above') / MB:+.2f} MB"


def _made(found: Figures) -> str:
    return f"{found.median('clients'):.0f} and {found.median('sessions'):.0f}"
