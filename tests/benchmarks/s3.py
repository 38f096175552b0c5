"""Print the figures of S3: all of them, or those named, beside django-storages in the same run.

::

    python -m tests.benchmarks.s3 --peer PYTHON
    python -m tests.benchmarks.s3 --peer PYTHON url small

PYTHON is an interpreter that has ``django-storages[s3]==1.14.6``; without it only ours is measured. Requests and races
are counted on MiniStack, behind a proxy that adds the round trip; 200 MB go to a server that keeps them in memory and
checks nothing, and that adds the round trip itself. The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

from tests.benchmarks import s3_cpu, s3_large, s3_requests, s3_threads
from tests.benchmarks.measuring import Row, print_table
from tests.benchmarks.rivals import Rivals
from tests.servers.environment import without_aws

__all__ = ["main"]

GROUPS: dict[str, Callable[[Rivals], list[Row]]] = {
    "startup": s3_cpu.measure_startup,
    "url": s3_cpu.measure_url,
    "small": s3_requests.measure_small,
    "middle": s3_requests.measure_middle,
    "listing": s3_requests.measure_listing,
    "large": s3_large.measure_large,
    "memory": s3_large.measure_memory,
    "race": s3_threads.measure_race,
    "threads": s3_threads.measure_threads,
}

_SERVERS = """
Requests, listings and races: MiniStack, behind a proxy that counts. Round trips: time / 50 ms, over a proxy that adds
them, before a server in memory that answers at once. 200 MB and threads: that server, which adds the round trip itself.
"""

_VERSIONS = """
from importlib.metadata import version
print("django-storages", version("django-storages"), "with boto3", version("boto3"))
"""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.s3")
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has django-storages[s3]")
    parser.add_argument("group", nargs="*", help=f"of {', '.join(GROUPS)}; all unless named")
    asked = parser.parse_args(arguments)
    groups = asked.group or list(GROUPS)
    if not set(groups) <= set(GROUPS):
        parser.error(f"there are these groups: {', '.join(GROUPS)}")
    peer = _described(asked.peer) if asked.peer else "nothing"
    ours = f"s3fs {version('s3fs')}, aiobotocore {version('aiobotocore')}, aiohttp {version('aiohttp')}"
    print(f"Python {platform.python_version()}, {ours}; beside {peer}; load {os.getloadavg()[0]:.1f}\n")
    rivals = Rivals(asked.peer, "tests.benchmarks.s3_worker")
    with without_aws():
        rows = [row for group in groups for row in GROUPS[group](rivals)]
    print_table(rows, "the peer's")
    print(_SERVERS.rstrip())
    return 1 if any(row.met is False for row in rows) else 0


def _described(python: str) -> str:
    return subprocess.run(
        [python, "-c", _VERSIONS], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
