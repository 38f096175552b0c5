"""Run Django's own storage tests against our storages.

::

    python -m tests.upstream 5.2                         the packages below
    python -m tests.upstream 5.2 file_storage.tests -v2  these labels and options of Django's runtests.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import django

from tests.upstream.source import tests_of_django

PACKAGES = ["file_storage", "file_uploads", "model_fields", "staticfiles_tests"]


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 if every test passed that is not excluded, and no test is excluded without need."""
    wanted, *rest = arguments or [""]
    version = django.get_version()
    if not wanted or version.split(".")[:2] != wanted.split(".")[:2]:
        print(
            f"usage: python -m tests.upstream VERSION [LABEL …] - Django {version} is installed.",
            file=sys.stderr,
        )
        return 2
    folder = tests_of_django(version)
    labels = rest if any(not word.startswith("-") for word in rest) else [*PACKAGES, *rest]
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, [str(root), str(folder), os.environ.get("PYTHONPATH")]))
    # One process: the marks of excluded tests would not reach another that is spawned.
    command = [sys.executable, "-m", "tests.upstream.inside", "runtests.py", "--parallel=1", *labels]
    return subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
