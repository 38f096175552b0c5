"""Our storage and the peer's, each in worker processes, measured in turns."""

from __future__ import annotations

import json
import select
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from tests.benchmarks.measuring import Row, fresh_environment

__all__ = ["OURS", "PEERS", "Figures", "Rivals", "Worker", "in_turns", "row_of"]

OURS = "django_fsspec_storages"
PEERS = "storages"

#: Seconds that a worker which is told to end may take.
_PATIENCE = 20


class Worker:
    """A process with a storage of one of the two.

    :param module: what runs in it: makes a ``worker.StorageWorker`` and obeys.
    :param start: how to construct the storage.
    """

    def __init__(self, python: str, module: str, package: str, **start: Any) -> None:
        self.package = package
        self._process: Any = subprocess.Popen(
            [python, "-m", module, package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=fresh_environment(),
            text=True,
        )
        #: What it cost to import and construct, if it tells.
        self.started: dict[str, Any] = self.ask("start", **start)

    @property
    def ours(self) -> bool:
        """Whether it is ours."""
        return self.package == OURS

    def tell(self, do: str, **arguments: Any) -> None:
        """Give a command and do not wait."""
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def answer(self, timeout: float | None = None) -> Any:
        """Wait for the answer to a command.

        :raises RuntimeError: if the process ended instead.
        :raises TimeoutError: if there is none in so many seconds. The process is no more then.
        """
        if timeout is not None and not select.select([self._process.stdout], [], [], timeout)[0]:
            self.kill()
            raise TimeoutError(f"The worker of {self.package} hangs.")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The worker of {self.package} ended: its output tells why.")
        return json.loads(line)

    def ask(self, do: str, **arguments: Any) -> Any:
        """Give a command and return the answer."""
        self.tell(do, **arguments)
        return self.answer()

    def call(self, work: str, **arguments: Any) -> dict[str, Any]:
        """Have one piece of work done; return its result, seconds and seconds of the CPU."""
        answer: dict[str, Any] = self.ask("call", work=work, **arguments)
        return answer

    def kill(self) -> None:
        """End a process of which threads hang: it would wait for them."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._process:
            self._process.stdin.close()
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:  # it hangs
                self._process.kill()


class Rivals:
    """Who is measured.

    :param peer: the interpreter that has django-storages; None: ours alone.
    :param module: what runs in the workers.
    """

    def __init__(self, peer: str | None, module: str) -> None:
        self._pythons = {OURS: sys.executable} | ({PEERS: peer} if peer else {})
        self._module = module

    @property
    def packages(self) -> list[str]:
        """The packages that are measured, ours first."""
        return list(self._pythons)

    def start(self, package: str, **how: Any) -> Worker:
        """Start a worker of a package; one that is no rival runs on our interpreter."""
        return Worker(self._pythons.get(package, sys.executable), self._module, package, **how)

    def worker(self, package: str, **options: Any) -> Worker:
        """Start a worker of a package, with options that the storages of both take."""
        return self.start(package, options=options)

    @contextmanager
    def workers(self, **options: Any) -> Iterator[list[Worker]]:
        """Start a worker of each."""
        with ExitStack() as running:
            yield [running.enter_context(self.worker(package, **options)) for package in self.packages]


class Figures:
    """What was measured of one of them, round by round."""

    def __init__(self, rounds: Sequence[Mapping[str, Any]]) -> None:
        self.rounds = rounds

    def all(self, what: str) -> list[float]:
        """Return one figure of each round."""
        return [float(figures[what]) for figures in self.rounds]

    def median(self, what: str) -> float:
        """Return the median of one figure."""
        return statistics.median(self.all(what))

    def ratio(self, other: Figures, what: str) -> float:
        """Return the median of the ratio within a round."""
        return statistics.median(a / b for a, b in zip(self.all(what), other.all(what), strict=True))


def in_turns(
    sides: Sequence[Any], measure: Callable[[Any, int], Mapping[str, Any]], rounds: int
) -> list[Figures]:
    """Measure each in turns, round by round; who is first changes.

    :param measure: takes one of ``sides`` and the number of the round.
    """
    found: list[list[Mapping[str, Any]]] = [[] for _ in sides]
    for turn in range(rounds):
        places = range(len(sides)) if turn % 2 else reversed(range(len(sides)))
        for place in places:
            found[place].append(measure(sides[place], turn))
    return [Figures(rounds) for rounds in found]


def row_of(
    what: str,
    figures: Sequence[Figures],
    show: Callable[[Figures], str],
    goal: str = "",
) -> Row:
    """Return a line of the table, with the ratios of ``seconds`` and of ``cpu`` where the rounds have them."""
    ours, *others = figures
    theirs = others[0] if others else None
    row = Row(what, show(ours), None if theirs is None else show(theirs), goal=goal)
    if theirs is not None:
        row.ratio, row.cpu = (
            ours.ratio(theirs, each) if each in ours.rounds[0] else None for each in ("seconds", "cpu")
        )
    return row
