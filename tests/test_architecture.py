"""The floors of the house: imports point down. Reads the package's own files; nothing is imported."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "django_fsspec_storages"
HOME = Path(__file__).resolve().parents[1] / PACKAGE

#: Top-level module or folder -> floor.
FLOORS = {
    **dict.fromkeys(("apps", "checks", "management", "protocol", "project", "utils", "base", "testing"), 4),
    "backends": 3,
    **dict.fromkeys(("storage", "files", "static", "bulk", "aliases"), 2),
    "filesystems": 1,
    **dict.fromkeys(("options", "names", "errors", "compression", "signing"), 0),
}
#: The package itself: what it exports is imported on first use.
ROOF = 5

#: What may be imported from the same floor.
NEIGHBOURS = {
    "apps": {"checks"},
    "storage": {"aliases", "files"},
    "files": {"storage"},  # for types alone
    "static": {"aliases", "storage"},
    "names": {"errors"},
    "protocol": {"project"},
}
#: What is one provider's own, in ``filesystems``, ``signing`` and ``backends``: a module's name, without what follows its
#: first underscore, -> the provider. ``s3_upload`` and ``_s3_urls`` are modules of ``s3``.
PROVIDERS = {
    **{
        name: name for name in ("s3", "gcs", "azure", "sftp", "ftp", "dropbox", "libcloud", "memory", "local")
    },
    **dict.fromkeys(("s3boto3", "s3boto", "boto3", "sigv2", "sigv4", "post", "cloudfront"), "s3"),
    "gcloud": "gcs",
    "sftpstorage": "sftp",
    "apache": "libcloud",
}

#: Which other packages a module may import, beside the standard library; the longest beginning counts.
OTHERS = {
    "": {"django", "asgiref", "fsspec", "pytest"},
    "storage": {"django", "asgiref"},
    "storage.api": {"django", "fsspec"},  # a filesystem over Django's Storage API
    "files": {"django", "asgiref"},
    "static": {"django"},
    "aliases": {"django"},
    "filesystems": {"fsspec"},
    "filesystems.timeouts": {"aiohttp"},  # what fsspec's HTTP filesystem takes
    "options": {"django"},
    "names": {"django"},
    "errors": set(),
    "compression": set(),
    "signing": {"cryptography"},
}
#: Provider -> the SDKs that its module in ``filesystems`` may import.
SDKS: dict[str, set[str]] = {
    "s3": {"aiobotocore", "aiohttp", "boto3", "botocore", "s3fs"},
    "sftp": {"asyncssh", "paramiko", "sshfs"},
}


class Arrow(NamedTuple):
    """An import."""

    module: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def modules(home: Path) -> dict[str, Path]:
    """Return every module by its name inside the package; the package itself is ``""``."""
    found = {}
    for path in home.rglob("*.py"):
        parts = path.relative_to(home).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(home: Path) -> Iterator[Arrow]:
    """Yield every import, also inside functions, for types alone, and of a module whose name stands in a text."""
    known = modules(home)
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in targets(node, known):
                yield Arrow(module, getattr(node, "lineno", 0), target)


def targets(node: ast.AST, known: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        base = node.module or ""
        for alias in node.names:
            full = f"{base}.{alias.name}"
            yield full if full.removeprefix(f"{PACKAGE}.") in known else base
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = re.fullmatch(rf"({PACKAGE}(?:\.\w+)+)(?::\w+)?", node.value)
        if found and found[1].removeprefix(f"{PACKAGE}.") in known:
            yield found[1]


def floor(module: str) -> int | None:
    return FLOORS.get(module.partition(".")[0]) if module else ROOF


def provider(module: str) -> str | None:
    folder, _, name = module.partition(".")
    if folder not in ("filesystems", "signing", "backends"):
        return None
    return PROVIDERS.get(name.lstrip("_").partition("_")[0])


def others(module: str) -> set[str]:
    parts = module.split(".")
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((OTHERS[beginning] for beginning in beginnings if beginning in OTHERS), OTHERS[""])


def fault(arrow: Arrow) -> str | None:
    """Return what is wrong with an import, if anything is."""
    package, _, below = arrow.target.partition(".")
    here = floor(arrow.module)
    if package != PACKAGE:
        allowed = package in sys.stdlib_module_names or package in others(arrow.module)
        own = SDKS.get(provider(arrow.module) or "", set()) if here == 1 else set()
        allowed = allowed or package in own
        return None if allowed else "is not known on this floor"
    there = floor(below)
    if here is None or there is None:
        return "has no floor"
    if there > here:
        return "points up"
    mine, its = arrow.module.partition(".")[0], below.partition(".")[0]
    if here == there and mine != its and its not in NEIGHBOURS.get(mine, ()):
        return "is a neighbour that is not named"
    providers = provider(arrow.module), provider(below)
    if mine == its and None not in providers and providers[0] != providers[1]:
        return "is another provider's"
    if floor(arrow.module) == 1 and its in ("options", "names"):
        return "needs Django"
    return None


def faults(home: Path) -> list[str]:
    """Return every import that is against the rules."""
    unknown = [f"{module} has no floor" for module in modules(home) if floor(module) is None]
    return unknown + [f"{arrow}, which {wrong}" for arrow in arrows(home) if (wrong := fault(arrow))]


def test_every_import_points_down() -> None:
    assert faults(HOME) == []


def test_there_is_something_to_read() -> None:
    assert len(modules(HOME)) > 30
    assert {floor(arrow.module) for arrow in arrows(HOME)} >= {0, 1, 2, 4}
    assert Arrow("filesystems.registry", 18, f"{PACKAGE}.filesystems.local")[::2] in {
        a[::2] for a in arrows(HOME)
    }


@pytest.mark.parametrize(
    ("module", "line", "wrong"),
    [
        ("filesystems/base.py", f"from {PACKAGE}.storage import FsspecStorage", "points up"),
        ("filesystems/base.py", f"def late():\n    from {PACKAGE} import stored", "points up"),
        ("filesystems/base.py", f"import {PACKAGE}.aliases", "points up"),
        ("filesystems/base.py", f"HOME = '{PACKAGE}.storage.core:FsspecStorage'", "points up"),
        ("options/option.py", f"if TYPE_CHECKING:\n    from {PACKAGE}.filesystems import base", "points up"),
        ("storage/core.py", f"from {PACKAGE}.checks import check_storages", "points up"),
        ("aliases.py", f"from {PACKAGE}.storage import FsspecStorage", "is a neighbour that is not named"),
        ("errors.py", f"from {PACKAGE}.names import clean", "is a neighbour that is not named"),
        ("filesystems/base.py", f"from {PACKAGE}.names import clean", "needs Django"),
        ("filesystems/driver.py", "def late():\n    import django.conf", "is not known on this floor"),
        ("errors.py", "import fsspec", "is not known on this floor"),
        ("storage/core.py", "import s3fs", "is not known on this floor"),
        ("backends/_s3_urls.py", "def late():\n    import botocore", "is not known on this floor"),
        ("filesystems/s3_upload.py", "import gcsfs", "is not known on this floor"),
        ("filesystems/s3_upload.py", f"from {PACKAGE}.filesystems.memory import MemoryFileSystem", "is another provider's"),
        ("filesystems/memory.py", f"from {PACKAGE}.filesystems.local import LocalDiskFileSystem", "is another provider's"),
        ("attic.py", "import os", "has no floor"),
    ],
)  # fmt: skip
def test_a_planted_import_is_found(tmp_path: Path, module: str, line: str, wrong: str) -> None:
    copy = tmp_path / PACKAGE
    shutil.copytree(HOME, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert faults(copy) == []
    with (copy / module).open("a") as file:
        file.write(f"\n\n{line}\n")
    name = module.removesuffix(".py").replace("/", ".")
    (found,) = faults(copy)
    assert found.startswith(name)
    assert found.endswith(wrong)


def test_old_spellings_alone_may_import_another_provider(tmp_path: Path) -> None:
    for name in ("s3", "s3boto3", "gcloud"):
        path = tmp_path / "backends" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("" if name == "s3" else f"from {PACKAGE}.backends.s3 import S3Storage")
    assert [found.partition(":")[0] for found in faults(tmp_path)] == ["backends.gcloud"]
