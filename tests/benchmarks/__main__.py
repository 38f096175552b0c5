"""Print the figures: all of them, or those named.

::

    python -m tests.benchmarks
    python -m tests.benchmarks small large

The folder for files is Python's temporary one (``TMPDIR``). The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable

import django
import fsspec

from tests.benchmarks import memory, speed, startup
from tests.benchmarks.measuring import Row, print_table

__all__ = ["main"]

GROUPS: dict[str, Callable[[], list[Row]]] = {
    "startup": startup.measure,
    "url": speed.measure_url,
    "small": speed.measure_small,
    "large": speed.measure_large,
    "memory": memory.measure_transfers,
    "middle": memory.measure_middle,
    "listing": memory.measure_listing,
}


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("group", nargs="*", help=f"of {', '.join(GROUPS)}; all unless named")
    groups = parser.parse_args(arguments).group or list(GROUPS)
    if not set(groups) <= set(GROUPS):
        parser.error(f"there are these groups: {', '.join(GROUPS)}")
    print(
        f"Python {platform.python_version()}, Django {django.__version__}, fsspec {fsspec.__version__}, load {os.getloadavg()[0]:.1f}\n"
    )
    rows = [row for group in groups for row in GROUPS[group]()]
    print_table(rows)
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
