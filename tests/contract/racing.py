"""Many at once: threads of this process that begin together, and other processes that wait for the word."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

__all__ = ["PATIENCE", "Process", "race"]

#: Seconds after which something counts as hung.
PATIENCE = 240


def race(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Call all jobs at once, each in a thread of its own; return their results in order.

    :raises AssertionError: if one hangs.
    :raises Exception: what the first of them raised.
    """
    results: list[Any] = [None] * len(jobs)
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(jobs))

    def run(index: int) -> None:
        try:
            barrier.wait(PATIENCE)
            results[index] = jobs[index]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "hung"
    if errors:
        raise errors[0]
    return results


class Process:
    """A second process with a storage of the same configuration: one JSON line asks, one answers (``process.py``)."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.contract.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        try:
            self.do("construct", configuration=configuration)
        except BaseException:
            self.__exit__()
            raise

    def begin(self, task: str, **arguments: Any) -> None:
        """Give the process something to do, and do not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"task": task, **arguments}) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        """Wait for the answer.

        :raises AssertionError: if there is none, or it is an error.
        """
        assert self._process.stdout is not None
        alarm = threading.Timer(PATIENCE, self._process.kill)
        alarm.start()
        try:
            line = self._process.stdout.readline()
        finally:
            alarm.cancel()
        assert line, "the second process hung or died"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def do(self, task: str, **arguments: Any) -> Any:
        """Give the process something to do and return its answer."""
        self.begin(task, **arguments)
        return self.end()

    def kill(self) -> None:
        """End the process at once, without a chance to tidy up."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
