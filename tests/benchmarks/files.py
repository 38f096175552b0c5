"""Print the figures of SFTP and FTP: all of them, or those named, beside django-storages in the same run.

::

    python -m tests.benchmarks.files --peer PYTHON
    python -m tests.benchmarks.files --peer PYTHON sftp ftp-commands

PYTHON is an interpreter that has ``django-storages[sftp]==1.14.6``; without it only ours is measured. The servers are
asyncssh's and pyftpdlib's, on loopback; a proxy before them adds the round trip. ``--quick`` measures a tenth of it, to
see that it works. The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

from tests.benchmarks import files_large, files_session, files_small, files_threads
from tests.benchmarks.files_bench import QUICK, Run, Sizes
from tests.benchmarks.measuring import Row, print_table
from tests.benchmarks.rivals import Rivals

__all__ = ["main"]

_ALL: dict[str, Callable[[str, Run], list[Row]]] = {
    "transfers": files_large.measure_transfers,
    "memory": files_large.measure_memory,
    "race": files_threads.measure_race,
    "threads": files_threads.measure_mixed,
    "restart": files_session.measure_restart,
}
_OF: dict[str, dict[str, Callable[[str, Run], list[Row]]]] = {
    "sftp": {"small": files_small.measure_round_trips, "logins": files_session.measure_logins, **_ALL},
    "ftp": {"commands": files_small.measure_commands, "logins": files_session.measure_logins, **_ALL},
    "ftps": {"commands": files_small.measure_commands, **_ALL},
}

GROUPS = {
    f"{protocol}-{group}": (protocol, measure) for protocol in _OF for group, measure in _OF[protocol].items()
}

_VERSIONS = """
from importlib.metadata import version
print("django-storages", version("django-storages"), "with paramiko", version("paramiko"))
"""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.files")
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has django-storages[sftp]")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument(
        "group", nargs="*", help=f"of {', '.join(_OF)}, {', '.join(GROUPS)}; all unless named"
    )
    asked = parser.parse_args(arguments)
    if unknown := set(asked.group) - set(GROUPS) - set(_OF):
        parser.error(f"no groups: {', '.join(sorted(unknown))}")
    peer = _described(asked.peer) if asked.peer else "nothing"
    ours = f"sshfs {version('sshfs')}, asyncssh {version('asyncssh')}"
    print(
        f"Python {platform.python_version()}, {ours}; beside {peer}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    run = Run(Rivals(asked.peer, "tests.benchmarks.files_worker"), QUICK if asked.quick else Sizes())
    missed = False
    for name, (protocol, measure) in GROUPS.items():
        if not asked.group or {name, protocol} & set(asked.group):
            began = time.monotonic()
            rows = measure(protocol, run)
            print(f"\n{name}, in {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
            print_table(rows, "the peer's")
            sys.stdout.flush()
            missed = missed or any(row.met is False for row in rows)
    return 1 if missed else 0


def _described(python: str) -> str:
    return subprocess.run(
        [python, "-c", _VERSIONS], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
