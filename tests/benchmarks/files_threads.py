"""Many at once: saves of one name, and mixed operations in threads of one process."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from tests.benchmarks.files_bench import BENCHES, Bench, Run
from tests.benchmarks.measuring import Row
from tests.benchmarks.races import race

__all__ = ["measure_mixed", "measure_race"]

_AT_ONCE = 24
_THREADS = 16

#: Seconds for an answer: more than a worker gives its threads.
_PATIENCE = 90


def measure_race(protocol: str, run: Run) -> list[Row]:
    """Return the rows of saves that meet, of one process and of several."""
    rows = []
    for processes in (1, 4):
        with BENCHES[protocol](run) as bench:
            found = [_raced(bench, package, processes, run.sizes.turns) for package in run.rivals.packages]
        threads = f"{processes} x {_AT_ONCE // processes}" if processes > 1 else f"{_AT_ONCE}"
        row = Row(f"{_AT_ONCE * run.sizes.turns} saves, {threads} threads under one name", _told(*found[0]))
        row.theirs = _told(*found[1]) if found[1:] else None
        row.goal, row.met = "0 lost, 0 errors, 0 hung", found[0] == (0, 0, 0, _AT_ONCE * run.sizes.turns)
        rows.append(row)
    return rows


def _raced(bench: Bench, package: str, processes: int, turns: int) -> tuple[int, int, int, int]:
    def stored(name: str) -> bytes | None:
        path = bench.folder / name
        return path.read_bytes() if path.is_file() else None

    with ExitStack() as running:
        racing = [running.enter_context(bench.worker(package)) for _ in range(processes)]
        for worker in racing:
            worker.call("exists", name="missing")  # logs in
        raced = race(racing, turns=turns, at_once=_AT_ONCE)
    found = raced.lost(stored), len(raced.errors), raced.hung, raced.saves
    bench.clear()
    return found


def _told(lost: int, errors: int, hung: int, saves: int) -> str:
    told = f"{lost} lost, {errors} errors, {hung} hung"
    return f"{told} of {saves}" if hung else told


def measure_mixed(protocol: str, run: Run) -> list[Row]:
    """Return the rows of threads that do all there is to do, each with files of its own."""
    rows = []
    for logged_in in (True, False):
        with BENCHES[protocol](run) as bench:
            found = [_mixed(bench, package, run.sizes.mixed, logged_in) for package in run.rivals.packages]
        told = [f"{wrong} wrong, {hung} hung" for wrong, hung in found]
        what = f"{run.sizes.mixed} rounds of six operations, {_THREADS} threads"
        row = Row(what if logged_in else "… that are the first to log in", told[0])
        row.theirs = told[1] if told[1:] else None
        row.goal, row.met = "0 wrong, 0 hung", found[0] == (0, 0)
        rows.append(row)
    return rows


def _mixed(bench: Bench, package: str, rounds: int, logged_in: bool) -> tuple[int, int]:
    (bench.folder / "mixed").mkdir()
    with bench.worker(package) as worker:
        if logged_in:
            worker.call("exists", name="missing")
        worker.tell("mixed", threads=_THREADS, rounds=rounds)
        try:
            answer: dict[str, Any] = worker.answer(_PATIENCE)
        except TimeoutError:
            answer = {"wrong": [], "hung": _THREADS}
        if answer["hung"]:
            worker.kill()
    bench.clear()
    for what in sorted(set(answer["wrong"]))[:3]:
        print(f"threads, {package}: {what}")
    return len(answer["wrong"]), answer["hung"]
