"""Peak memory above the start, each in a process of its own; and how much of a large file is read for its middle."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import MB, Row, in_child, peak_above_start, set_up

__all__ = ["measure_listing", "measure_middle", "measure_transfers"]

_LARGE = 200 * MB
_NAMES = 100_000


def _storage(ours: bool, folder: str) -> Any:
    set_up()
    from django.core.files.storage import FileSystemStorage

    from django_fsspec_storages import FsspecStorage

    storage: Any = (FsspecStorage if ours else FileSystemStorage)(location=folder)
    storage.exists("warm-up")
    return storage


class _Forward(io.RawIOBase):
    """200 MB that nobody can seek in."""

    def __init__(self) -> None:
        self._left = _LARGE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._left)
        buffer[:length] = bytes(length)
        self._left -= length
        return length


def _save(storage: Any) -> None:
    from django.core.files.base import File

    with Path(storage.path("large")).open("rb") as file:
        storage.save("saved", File(file))


def _save_forward(storage: Any) -> None:
    from django.core.files.base import File

    with io.BufferedReader(_Forward()) as file:
        storage.save("saved-forward", File(file, "forward"))


def _write(storage: Any) -> None:
    with storage.open("written", "wb") as file:
        for _ in range(_LARGE // MB):
            file.write(bytes(MB))


def _chunks(storage: Any) -> None:
    with storage.open("large") as file:
        for _ in file.chunks():
            pass


def _stream(storage: Any) -> None:
    with storage.open_stream("large") as stream:
        for _ in stream:
            pass


def _at_once(storage: Any) -> None:
    with storage.open("large") as file:
        file.read()


def _list(storage: Any) -> None:
    storage.listdir("")


_WORK: dict[str, Callable[[Any], None]] = {
    "save": _save,
    "save, not seekable": _save_forward,
    "open('wb').write": _write,
    "chunks()": _chunks,
    "open_stream()": _stream,
    "read() at once": _at_once,
    "listdir": _list,
}


def peak(ours: bool, folder: str, work: str) -> int:
    """Return the peak of one kind of work. Runs in a child."""
    storage = _storage(ours, folder)
    return peak_above_start(lambda: _WORK[work](storage))


def bytes_read_for_the_middle(ours: bool, folder: str) -> int:
    """Return how many bytes the process reads to have 64 KB from the middle of 1 GB. Runs in a child, on Linux."""
    storage = _storage(ours, folder)
    before = _read_so_far()
    with storage.open("sparse") as file:
        file.seek(512 * MB)
        assert len(file.read(64 * 1024)) == 64 * 1024
    return _read_so_far() - before


def _read_so_far() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])  # rchar: what read calls returned, cached or not


def measure_transfers() -> list[Row]:
    """Return the rows of 200 MB each way."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "large").open("wb") as file:
            file.truncate(_LARGE)
        for work in (
            "save",
            "save, not seekable",
            "open('wb').write",
            "chunks()",
            "open_stream()",
            "read() at once",
        ):
            ours = in_child(peak, True, folder, work)
            theirs = None if work == "open_stream()" else in_child(peak, False, folder, work)
            row = Row(f"peak memory, 200 MB, {work}", _mb(ours), None if theirs is None else _mb(theirs))
            if work != "read() at once":  # which asks for all of it
                row.goal, row.met = "< 32 MB", ours < 32 * MB
            rows.append(row)
    return rows


def measure_middle() -> list[Row]:
    """Return the row of the middle of 1 GB."""
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "sparse").open("wb") as file:
            file.truncate(1024 * MB)
        ours, theirs = (in_child(bytes_read_for_the_middle, mine, folder) for mine in (True, False))
    what = "bytes read for 64 KB in the middle of 1 GB"
    return [Row(what, f"{ours:,}", f"{theirs:,}", goal="about 65,536", met=ours < 2 * 65_536)]


def measure_listing() -> list[Row]:
    """Return the row of 100,000 names."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_NAMES):
            Path(folder, f"a-file-with-a-name-as-they-are-{number:06}.jpeg").touch()
        ours, theirs = (in_child(peak, mine, folder, "listdir") for mine in (True, False))
    return [
        Row("peak memory, listing 100,000 names", _mb(ours), _mb(theirs), goal="< 50 MB", met=ours < 50 * MB)
    ]


def _mb(size: int) -> str:
    return f"{size / MB:.1f} MB"
