"""url(), and saving and reading small and large files on local disk, beside Django's FileSystemStorage."""

from __future__ import annotations

import itertools
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import MB, Row, compare, set_up

__all__ = ["measure_large", "measure_small", "measure_url"]

_LARGE = 200 * MB


def _storages(folder: str) -> tuple[Any, Any]:
    set_up()
    from django.core.files.storage import FileSystemStorage

    from django_fsspec_storages import FsspecStorage

    return FsspecStorage(location=f"{folder}/ours"), FileSystemStorage(location=f"{folder}/theirs")


def measure_url() -> list[Row]:
    """Return the rows of url()."""
    ours, theirs = _storages("nowhere")
    rows = []
    for what, name in (
        ("url(), plain name", "documents/2026/report.pdf"),
        ("url(), to be quoted", "a b/ü#1?.pdf"),
    ):
        compared = compare(partial(ours.url, name), partial(theirs.url, name), rounds=31, calls=2000)
        rows.append(compared.row(what, "µs", "< 20 µs", compared.ours < 20e-6))
    return rows


def measure_small() -> list[Row]:
    """Return the rows of 1 KB."""
    from django.core.files.base import ContentFile

    content = b"x" * 1024
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = _storages(folder)
        counter = itertools.count()

        def saving(storage: Any) -> Any:
            return lambda: storage.save(f"saved/{next(counter)}.bin", ContentFile(content))

        def reading(storage: Any) -> Any:
            name = storage.save("read.bin", ContentFile(content))

            def read() -> None:
                with storage.open(name) as file:
                    file.read()

            return read

        rows = []
        for what, work, calls in (("save 1 KB", saving, 200), ("read 1 KB", reading, 500)):
            compared = compare(work(ours), work(theirs), rounds=41, calls=calls)
            rows.append(compared.row(what, "µs", "<= 1.5"))
        return rows


def measure_large() -> list[Row]:
    """Return the rows of 200 MB."""
    from django.core.files.base import File

    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = _storages(folder)
        path = Path(folder, "source")
        with path.open("wb") as file:
            for number in range(_LARGE // MB):
                file.write(bytes([number % 256]) * MB)

        def saving(storage: Any) -> Any:
            def save() -> None:
                with path.open("rb") as file:
                    storage.delete(storage.save("saved", File(file)))

            return save

        def in_chunks(storage: Any) -> Any:
            with path.open("rb") as file:
                name = storage.save("read", File(file))

            def read() -> None:
                with storage.open(name) as opened:
                    for _ in opened.chunks():
                        pass

            return read

        def at_once(storage: Any) -> Any:
            name = storage.listdir("")[1][0]

            def read() -> None:
                with storage.open(name) as opened:
                    opened.read()

            return read

        rows = []
        for what, work in (
            ("save 200 MB", saving),
            ("read 200 MB in chunks()", in_chunks),
            ("read 200 MB at once", at_once),
        ):
            rows.append(compare(work(ours), work(theirs), rounds=15).row(what, "ms", "<= 1.1"))
        return rows
