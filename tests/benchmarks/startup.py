"""What it costs to import the package and construct a storage, above Django and fsspec."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

from tests.benchmarks.measuring import Row, in_child, set_up

__all__ = ["measure"]

_SDKS = [
    "boto3",
    "botocore",
    "aiobotocore",
    "s3fs",
    "gcsfs",
    "google",
    "adlfs",
    "azure",
    "sshfs",
    "asyncssh",
    "paramiko",
    "dropbox",
    "dropboxdrivefs",
    "libcloud",
    "aiohttp",
    "requests",
]
_ROUNDS = 21


def child(ours: bool, use: bool) -> dict[str, Any]:
    """Return the CPU seconds of this process so far, after Django and fsspec, and, if so, our storage."""
    import fsspec  # noqa: F401
    from django.contrib.staticfiles.storage import StaticFilesStorage  # noqa: F401
    from django.core.files.storage import FileSystemStorage

    set_up()
    if ours:
        from django_fsspec_storages import FsspecStorage

        storage: Any = FsspecStorage(location="nowhere")
    else:
        storage = FileSystemStorage(location="nowhere")
    if use:
        storage.exists("nothing")
    return {"cpu": time.process_time(), "sdks": [name for name in _SDKS if name in sys.modules]}


def measure() -> list[Row]:
    """Return the rows."""
    rows = []
    for what, use in (("import and construct, CPU", False), ("… and the first exists()", True)):
        in_child(child, True, use)  # compiles
        measured: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for turn in range(_ROUNDS):
            for ours in (True, False) if turn % 2 else (False, True):
                measured[ours].append(in_child(child, ours, use))
        pairs = zip(measured[True], measured[False], strict=True)
        above = statistics.median(ours["cpu"] - theirs["cpu"] for ours, theirs in pairs)
        theirs = statistics.median(each["cpu"] for each in measured[False])
        row = Row(what, f"{above * 1e3:+.1f} ms", f"{theirs * 1e3:.1f} ms")
        if not use:
            row.goal, row.met = "< +30 ms", above < 0.030
        rows.append(row)
        sdks = measured[True][0]["sdks"]
        rows.append(Row("… provider SDKs imported", ", ".join(sdks) or "none", goal="none", met=not sdks))
    return rows
