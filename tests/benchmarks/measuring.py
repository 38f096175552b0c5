"""How things are measured: side by side, in turns, by the median; memory and bytes read in a process of their own."""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["MB", "Row", "compare", "in_child", "peak_above_start", "print_table", "set_up"]

MB = 2**20


@dataclass
class Row:
    """One line of the table.

    :param theirs: the same with Django's FileSystemStorage; None where there is nothing to compare.
    :param goal: in words.
    :param met: whether it is; None where there is no goal.
    """

    what: str
    ours: str
    theirs: str | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


def print_table(rows: list[Row]) -> None:
    """Print the rows under each other."""
    table = [("", "ours", "Django's", "ratio", "goal", "")]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        verdict = {None: "", True: "met", False: "MISSED"}[row.met]
        table.append((row.what, row.ours, row.theirs or "", ratio, row.goal, verdict))
    widths = [max(len(line[column]) for line in table) for column in range(6)]
    for line in table:
        cells = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def compare(
    ours: Callable[[], Any], theirs: Callable[[], Any], *, rounds: int, calls: int = 1
) -> tuple[float, float, float]:
    """Return seconds for one call of each, and the ratio: medians over rounds in which both take their turn."""
    ours(), theirs()  # what is done once only is not what is measured here
    measured: dict[Callable[[], Any], list[float]] = {ours: [], theirs: []}
    for turn in range(rounds):
        for function in (ours, theirs) if turn % 2 else (theirs, ours):
            gc.collect()
            gc.disable()
            began = time.perf_counter()
            for _ in range(calls):
                function()
            measured[function].append((time.perf_counter() - began) / calls)
            gc.enable()
    ratios = [a / b for a, b in zip(measured[ours], measured[theirs], strict=True)]
    return statistics.median(measured[ours]), statistics.median(measured[theirs]), statistics.median(ratios)


def set_up() -> None:
    """Configure Django as small as it gets."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True, INSTALLED_APPS=[], MEDIA_URL="/media/")
        django.setup()


def in_child(task: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of a module of ours in a fresh interpreter and return what it returns, by way of JSON."""
    code = (
        "import json, sys; from importlib import import_module; task, *arguments = json.loads(sys.argv[1]); "
        "module, _, name = task.partition(':'); "
        "print(json.dumps(getattr(import_module(module), name)(*arguments)))"
    )
    call = json.dumps([f"{task.__module__}:{task.__name__}", *arguments])
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code, call], check=True, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    return json.loads(done.stdout)


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


def _status(field: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
