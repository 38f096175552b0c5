"""How things are measured: side by side, in turns, by the median; memory and bytes read in a process of their own."""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "MB",
    "Row",
    "compare",
    "fresh_environment",
    "in_child",
    "peak_above_start",
    "print_table",
    "resident",
    "set_up",
]

MB = 2**20


@dataclass
class Row:
    """One line of the table.

    :param theirs: the same with what we are compared to; None where there is nothing to compare.
    :param ratio: ours to theirs, of what the clock says.
    :param cpu: the same of what this process computes; other work on the machine matters less to it.
    :param goal: in words.
    :param met: whether it is; None where there is no goal.
    """

    what: str
    ours: str
    theirs: str | None = None
    ratio: float | None = None
    cpu: float | None = None
    goal: str = ""
    met: bool | None = None


class Compared(NamedTuple):
    """Medians over the rounds: seconds for one call of each, and the ratios of the two within a round."""

    ours: float
    theirs: float
    ratio: float
    cpu: float

    def row(self, what: str, unit: str, goal: str, met: bool | None = None) -> Row:
        """Return the line of the table.

        :param met: by default, whether the ratio is no more than the goal, which ends in a number.
        """
        factor, digits = {"µs": (1e6, 1), "ms": (1e3, 0)}[unit]
        ours, theirs = (f"{seconds * factor:.{digits}f} {unit}" for seconds in (self.ours, self.theirs))
        if met is None:
            met = self.ratio <= float(goal.split()[-1])
        return Row(what, ours, theirs, self.ratio, self.cpu, goal, met)


def print_table(rows: list[Row], theirs: str = "Django's") -> None:
    """Print the rows under each other.

    :param theirs: whose the other figures are.
    """
    table = [("", "ours", theirs, "ratio", "CPU ratio", "goal", "")]
    for row in rows:
        ratio, cpu = ("" if number is None else f"{number:.2f}" for number in (row.ratio, row.cpu))
        verdict = {None: "", True: "met", False: "MISSED"}[row.met]
        table.append((row.what, row.ours, row.theirs or "", ratio, cpu, row.goal, verdict))
    widths = [max(len(line[column]) for line in table) for column in range(7)]
    for line in table:
        cells = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def compare(ours: Callable[[], Any], theirs: Callable[[], Any], *, rounds: int, calls: int = 1) -> Compared:
    """Call both in turns, round by round."""
    ours(), theirs()  # what is done once only is not what is measured here
    clock: dict[Callable[[], Any], list[float]] = {ours: [], theirs: []}
    cpu: dict[Callable[[], Any], list[float]] = {ours: [], theirs: []}
    for turn in range(rounds):
        for function in (ours, theirs) if turn % 2 else (theirs, ours):
            gc.collect()
            gc.disable()
            began, cpu_began = time.perf_counter(), time.process_time()
            for _ in range(calls):
                function()
            ended, cpu_ended = time.perf_counter(), time.process_time()
            gc.enable()
            clock[function].append((ended - began) / calls)
            cpu[function].append((cpu_ended - cpu_began) / calls)
    return Compared(
        statistics.median(clock[ours]),
        statistics.median(clock[theirs]),
        _ratio(clock[ours], clock[theirs]),
        _ratio(cpu[ours], cpu[theirs]),
    )


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def set_up() -> None:
    """Configure Django as small as it gets."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True, INSTALLED_APPS=[], MEDIA_URL="/media/")
        django.setup()


#: Compiled modules: whether the machine keeps them elsewhere, or none at all, is not what is measured.
_compiled = tempfile.TemporaryDirectory(prefix="benchmarks-pycache-")


def in_child(task: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of a module of ours in a fresh interpreter and return what it returns, by way of JSON."""
    code = (
        "import json, sys; from importlib import import_module; task, *arguments = json.loads(sys.argv[1]); "
        "module, _, name = task.partition(':'); "
        "print(json.dumps(getattr(import_module(module), name)(*arguments)))"
    )
    call = json.dumps([f"{task.__module__}:{task.__name__}", *arguments])
    command = [sys.executable, "-c", code, call]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=fresh_environment())
    return json.loads(done.stdout)


def fresh_environment() -> dict[str, str]:
    """Return the environment of an interpreter that finds these modules and keeps what it compiles."""
    root = str(Path(__file__).resolve().parents[2])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    environment["PYTHONPYCACHEPREFIX"] = _compiled.name
    return environment


def peak_above_start(work: Callable[[], Any]) -> int:
    """Return by how many bytes the resident memory of this process rises while it does something."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before = _status("VmRSS")
        work()
        return _status("VmHWM") - before
    except OSError:  # not Linux: the peak of the whole process is what there is
        unit = 1 if sys.platform == "darwin" else 1024
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        work()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before


def resident() -> int:
    """Return how many bytes of this process are in memory now. On Linux."""
    return _status("VmRSS")


def _status(field: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
