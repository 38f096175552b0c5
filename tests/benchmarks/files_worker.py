"""What a worker is told of files on a server: ``python -m tests.benchmarks.files_worker PACKAGE``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.benchmarks.measuring import set_up
from tests.benchmarks.worker import WORK, StorageWorker

__all__ = ["main"]


def main() -> None:
    """Obey until there are no more commands."""
    FilesWorker().obey()


class FilesWorker(StorageWorker):
    """See the methods that begin with ``do_``."""

    def __init__(self) -> None:
        super().__init__()
        self.work = {**WORK, "pieces": _pieces, "save_many": _save_many, "cat": _cat, "put": _put}

    def do_start(self, storage: str, options: dict[str, Any]) -> None:
        """Import and construct.

        :param storage: the class, with its module.
        """
        set_up()
        module, _, name = storage.rpartition(".")
        self.storage = getattr(import_module(module), name)(**options)

    def do_attempt(self, work: str, **arguments: Any) -> dict[str, Any]:
        """Do one piece of work; return its result, and the error if it is one."""
        try:
            return {"result": self.work[work](self.storage, **arguments), "error": None}
        except Exception as error:
            return {"result": None, "error": repr(error)}

    def do_mixed(self, threads: int, rounds: int) -> dict[str, Any]:
        """Save, ask, read, list and delete in several threads, so many rounds of all that.

        :returns: what came to another end than it should, errors, and how many threads hang.
        """
        wrong: list[str] = []

        def work(thread: int) -> None:
            for turn in range(thread, rounds, threads):
                try:
                    wrong.extend(self._round(f"mixed/{turn}.bin", bytes([turn % 256]) * (1 + 97 * turn)))
                except Exception as error:
                    wrong.append(repr(error))

        errors, hung = self.at_once(threads, work)
        return {"wrong": list(wrong) + errors, "hung": hung}

    def _round(self, name: str, content: bytes) -> list[str]:
        from django.core.files.base import ContentFile

        storage = self.storage
        given = storage.save(name, ContentFile(content))
        with storage.open(given) as file:
            read = file.read()
        results = {
            "save": given == name,
            "exists": storage.exists(given) is True,
            "size": storage.size(given) == len(content),
            "read": read == content,
            "listdir": given.rpartition("/")[2] in storage.listdir("mixed")[1],
        }
        storage.delete(given)
        results["delete"] = storage.exists(given) is False
        return [f"{what} of {name}" for what, right in results.items() if not right]


def _pieces(storage: Any, name: str, size: int) -> int:
    read = 0
    with storage.open(name) as file:
        while piece := file.read(size):
            read += len(piece)
    return read


def _save_many(storage: Any, name: str, size: int, count: int) -> int:
    return len({WORK["save"](storage, f"{name}-{number}", size) for number in range(count)})


def _cat(storage: Any, name: str) -> int:
    return len(storage.cat(name))


def _put(storage: Any, name: str, path: str) -> str:
    storage.put(path, name)
    return name


if __name__ == "__main__":
    main()
