"""What docs/generate.py writes is current, and it notices when it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a checkout."""
    command = [sys.executable, "-X", "dev", "-W", "error", str(root / "docs/generate.py"), *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the script reads and writes."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "django_fsspec_storages", tmp_path / "django_fsspec_storages", ignore=ignore)
    shutil.copytree(ROOT / "docs/_generated", tmp_path / "docs/_generated")
    shutil.copy(ROOT / "docs/generate.py", tmp_path / "docs")
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_tables_and_typed_dicts_are_current() -> None:
    checked = generate(ROOT, "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_changed_declaration_makes_table_and_typed_dict_stale_until_they_are_written(
    checkout: Path,
) -> None:
    module = checkout / "django_fsspec_storages/storage/options.py"
    replace(module, 'doc="Seconds to wait for a connection', 'doc="How long to wait for a connection')
    checked = generate(checkout, "--check")
    assert checked.returncode == 1
    assert "docs/_generated/options.md, django_fsspec_storages/storage/options.py" in checked.stderr
    assert "static-options.md" not in checked.stderr
    assert "python docs/generate.py" in checked.stderr

    assert generate(checkout).returncode == 0
    assert '"""How long to wait for a connection' in module.read_text(encoding="utf-8")
    assert "| How long to wait" in (checkout / "docs/_generated/options.md").read_text(encoding="utf-8")
    assert generate(checkout, "--check").returncode == 0


def test_a_check_writes_nothing(checkout: Path) -> None:
    (checkout / "docs/_generated/options.md").unlink()
    assert generate(checkout, "--check").returncode == 1
    assert not (checkout / "docs/_generated/options.md").exists()


def test_a_module_without_the_marks_is_an_error(checkout: Path) -> None:
    replace(checkout / "django_fsspec_storages/storage/options.py", "# <generated>\n", "")
    checked = generate(checkout)
    assert checked.returncode == 1
    assert "# <generated>" in checked.stderr
