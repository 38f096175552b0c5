"""Saves of one name that meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.rivals import Worker

__all__ = ["Raced", "race"]

#: Seconds for an answer: more than a worker gives its threads.
_PATIENCE = 90


@dataclass
class Raced:
    """What came of it.

    :param given: the name that each save returned, and its content.
    """

    given: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    hung: int = 0

    @property
    def saves(self) -> int:
        """How many there were."""
        return len(self.given) + len(self.errors) + self.hung

    def lost(self, stored: Callable[[str], bytes | None]) -> int:
        """Count the saves that have reported a name under which there is something else, or nothing.

        :param stored: returns the content of a name.
        """
        return sum(stored(name) != content.encode() for name, content in self.given)


def race(racing: Sequence[Worker], *, turns: int, at_once: int) -> Raced:
    """Have workers save under one name at the same time, each turn another; it ends early if they hang.

    :param at_once: threads, of all workers together.
    """
    raced = Raced()
    for turn in range(turns):
        name, threads = f"taken-{turn}.txt", at_once // len(racing)
        for number, worker in enumerate(racing):
            worker.tell("race", name=name, mark=f"{name}-{number}", threads=threads)
        for worker in racing:
            try:
                answer: dict[str, Any] = worker.answer(_PATIENCE)
            except TimeoutError:
                answer = {"given": [], "errors": [], "hung": threads}
            raced.given += [tuple(each) for each in answer["given"]]
            raced.errors += answer["errors"]
            raced.hung += answer["hung"]
        if raced.hung:
            for worker in racing:
                worker.kill()
            break
    return raced
