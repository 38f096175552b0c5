"""What url(), import and construction cost; no server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tests.benchmarks.measuring import Row
from tests.benchmarks.rivals import Figures, Rivals, Worker, in_turns, row_of

__all__ = ["measure_startup", "measure_url"]

_CALLS = 20_000
_ROUNDS = 5
_STARTS = 9

_URL_GOAL = "<= 25 µs, <= 0.125"

_OPTIONS = {
    "bucket_name": "a-bucket-of-ours",
    "region_name": "eu-central-1",
    "access_key": "AKIAIOSFODNN7EXAMPLE",
    "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


def measure_url(rivals: Rivals) -> list[Row]:
    """Return the rows of url()."""
    rows = []
    for what, options, goal in (
        ("url(), both signature_version s3v4", {"signature_version": "s3v4"}, _URL_GOAL),
        ("url(), both as they come", {}, _URL_GOAL),
        ("url(), custom_domain, not signed", {"custom_domain": "media.example.com"}, ""),
    ):
        with rivals.workers(**_OPTIONS, **options) as workers:
            in_turns(workers, _urls, 1)
            figures = in_turns(workers, _urls, _ROUNDS)
        row = row_of(what, figures, lambda found: f"{found.median('cpu') * 1e6:.1f} µs CPU", goal)
        if goal:
            row.met = figures[0].median("cpu") <= 25e-6 and (row.cpu is None or row.cpu <= 1 / 8)
        rows.append(row)
    return rows


def _urls(worker: Worker, turn: int) -> Mapping[str, Any]:
    done = worker.call("urls", calls=_CALLS)
    return {what: done[what] / _CALLS for what in ("cpu", "seconds")}


def _ms(what: str, found: Figures) -> str:
    return f"{found.median(what) * 1e3:.1f} ms CPU"


def measure_startup(rivals: Rivals) -> list[Row]:
    """Return the rows of import and construction, each time in a new process."""

    def start(package: str, turn: int) -> Mapping[str, Any]:
        with rivals.worker(package, **_OPTIONS) as worker:
            url = worker.call("urls", calls=1)
            return {**worker.started, "url": worker.started["cpu"] + url["cpu"]}

    in_turns(rivals.packages, start, 1)  # compiles
    figures = in_turns(rivals.packages, start, _STARTS)
    rows = []
    for what, cpu, goal in (("import and construct", "cpu", "< 30 ms"), ("… and the first url()", "url", "")):
        row = row_of(what, figures, partial(_ms, cpu), goal)
        row.cpu = figures[0].ratio(figures[1], cpu) if len(figures) > 1 else None
        row.met = figures[0].median(cpu) < 0.030 if goal else None
        rows.append(row)
    sdks = [", ".join(found.rounds[0]["sdks"]) or "none" for found in figures]
    rows.append(
        Row("… SDKs imported", sdks[0], sdks[1] if sdks[1:] else None, goal="none", met=sdks[0] == "none")
    )
    return rows
