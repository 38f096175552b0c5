"""One storage in a process of its own, ours or the peer's: takes commands and answers, a line of JSON each.

Imports Django and the standard library alone: the peer's interpreter has no more beside its package.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import peak_above_start

__all__ = ["WORK", "StorageWorker"]


class StorageWorker:
    """What it can be told to do is in the methods that begin with ``do_``; ``do_start`` has to be there too, which sets
    ``storage``.
    """

    def __init__(self) -> None:
        self.storage: Any = None
        #: Of pieces of work: called with the storage, and what else was said.
        self.work: Mapping[str, Callable[..., Any]] = WORK
        self._pool: ThreadPoolExecutor | None = None

    def obey(self) -> None:
        """Take commands until there are no more."""
        for line in sys.stdin:
            command = json.loads(line)
            answer = getattr(self, f"do_{command.pop('do')}")(**command)
            print(json.dumps(answer), flush=True)

    def do_call(self, work: str, **arguments: Any) -> dict[str, Any]:
        """Do one piece of work; return its result, the seconds it took and those of the CPU, of all threads."""
        gc.collect()
        gc.disable()
        began, cpu_began = time.perf_counter(), time.process_time()
        result = self.work[work](self.storage, **arguments)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        gc.enable()
        return {"result": result, "seconds": seconds, "cpu": cpu}

    def do_peak(self, work: str, **arguments: Any) -> dict[str, Any]:
        """Do one piece of work; return by how many bytes the resident memory rises meanwhile, and the seconds."""
        began, cpu_began = time.perf_counter(), time.process_time()
        peak = peak_above_start(lambda: self.work[work](self.storage, **arguments))
        return {
            "peak": peak,
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu_began,
        }

    def do_race(self, name: str, mark: str, threads: int) -> dict[str, Any]:
        """Save once under one name from each of several threads; return the name that each was given, the errors, and
        how many hang.
        """
        from django.core.files.base import ContentFile

        given: list[tuple[str, str]] = []

        def save(number: int) -> None:
            content = f"{mark}-{number}"
            given.append((self.storage.save(name, ContentFile(content.encode())), content))

        errors, hung = self.at_once(threads, save)
        return {"given": list(given), "errors": errors, "hung": hung}

    def at_once(
        self, threads: int, function: Callable[[int], None], patience: float = 60
    ) -> tuple[list[str], int]:
        """Call a function in so many threads that begin together, always the same threads.

        :param patience: seconds after which those that have not come back hang.
        :returns: the errors, and how many hang.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(threads)
        ready = threading.Barrier(threads)

        def begin(number: int) -> None:
            ready.wait()
            function(number)

        done, hang = wait([self._pool.submit(begin, number) for number in range(threads)], patience)
        return [repr(error) for call in done if (error := call.exception())], len(hang)


def _save(storage: Any, name: str, size: int) -> str:
    from django.core.files.base import ContentFile

    return str(storage.save(name, ContentFile(bytes(size))))


def _save_file(storage: Any, name: str, path: str) -> str:
    from django.core.files.base import File

    with Path(path).open("rb") as file:
        return str(storage.save(name, File(file)))


def _write(storage: Any, name: str, size: int) -> None:
    with storage.open(name, "wb") as file:
        file.write(bytes(size))


def _read(storage: Any, name: str) -> int:
    with storage.open(name) as file:
        return len(file.read())


def _chunks(storage: Any, name: str, size: int) -> int:
    with storage.open(name) as file:
        return sum(len(chunk) for chunk in file.chunks(size))


WORK: dict[str, Callable[..., Any]] = {
    "save": _save,
    "save_file": _save_file,
    "write": _write,
    "read": _read,
    "chunks": _chunks,
    "exists": lambda storage, name: storage.exists(name),
    "size": lambda storage, name: storage.size(name),
    "modified": lambda storage, name: storage.get_modified_time(name).isoformat(),
    "delete": lambda storage, name: storage.delete(name),
    "listdir": lambda storage, path: len(storage.listdir(path)[1]),
}
