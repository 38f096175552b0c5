"""Virtual environments for servers that cannot share ours: made when first needed, kept between runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.environment import installing

__all__ = ["python_with"]

#: Names the folder of the environments, where the project's own is not wanted.
VARIABLE = "TEST_SERVERS_FOLDER"

#: Seconds for one step; installing takes five to twenty.
PATIENCE = 240


def python_with(requirements: Path, name: str) -> Path:
    """Return the Python of an environment that has what a requirements file asks for.

    One that was left half-made, lost its Python, or was made for another file, is made anew. Any number of
    processes may ask at one time: one makes it, the others wait.
    """
    folder = _home() / f"{name}-py{sys.version_info[0]}{sys.version_info[1]}"
    python, done = folder / "bin" / "python", folder / "made-from.txt"
    wanted = requirements.read_text(encoding="utf-8")
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if not (python.exists() and done.is_file() and done.read_text(encoding="utf-8") == wanted):
            shutil.rmtree(folder, ignore_errors=True)
            # Our pip installs into it: quicker than one of its own, which some systems do not even have.
            _run(sys.executable, "-m", "venv", "--without-pip", folder)
            pip = (sys.executable, "-m", "pip", "--python", python)
            install = (*pip, "install", "--quiet", "--no-input", "-r", requirements)
            try:
                _run(*install)
            except (RuntimeError, subprocess.TimeoutExpired):  # an index may be away for a moment
                _run(*install)
            done.write_text(wanted, encoding="utf-8")  # last: what has no such file is not complete
    return python


def _home() -> Path:
    chosen = os.environ.get(VARIABLE)
    home = Path(chosen) if chosen else Path(__file__).resolve().parents[2] / ".tox" / "servers"
    home.mkdir(parents=True, exist_ok=True)
    return home


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        env=installing(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with status {done.returncode}:\n{done.stdout}")
