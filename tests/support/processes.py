"""Other Python processes for tests: strict about warnings, and never waited for without an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["in_child", "python", "running"]

ROOT = Path(__file__).resolve().parents[2]
#: Seconds after which a process hangs. One that imports an SDK takes three, and many times that on a busy machine.
PATIENCE = 240


STRICT = ["-X", "dev", "-W", "error"]


def python(script: str, *arguments: object, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a script from the project's root to its end; its output is text."""
    command = [sys.executable, *STRICT, *options, "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


@contextmanager
def running(script: str, *arguments: object) -> Iterator[Any]:
    """Start a script with pipes to and from it and wait for its first line; it is killed at the end."""
    command = [sys.executable, *STRICT, "-c", script, *map(str, arguments)]
    process: Any = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout.readline(), "it ended without a word"
            yield process
        finally:
            process.kill()


def in_child(work: Callable[[], Any], patience: int = PATIENCE) -> int:
    """Fork, do something in the child, and return its exit status: 0 if it raised nothing, negative if it hung."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of forking beside threads, which is the point here
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(patience)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
