"""Django's source distribution, which has its tests: the version that is installed, fetched once for an environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

__all__ = ["tests_of_django"]


def tests_of_django(version: str) -> Path:
    """Return the folder of Django's own tests."""
    cache = Path(os.environ.get("TOX_ENV_DIR") or sys.prefix) / "django-source"
    unpacked = cache / version
    if not unpacked.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _download(version, Path(folder)).rename(unpacked)
    return unpacked / "tests"


def _download(version: str, folder: Path) -> Path:
    # Not `--no-binary :all:`: Django itself as source is enough, what builds it may come as wheels.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "django"]
    subprocess.run([*command, "--dest", str(folder), f"django=={version}"], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked
