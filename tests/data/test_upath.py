"""UPath on every alias, and on the URL of a storage of ours."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from upath import UPath

# UPath warns of every protocol that it has no class of its own for.
pytestmark = pytest.mark.filterwarnings("ignore:UPath 'djstorage' filesystem not explicitly implemented")


def test_text_and_bytes_are_written_into_a_new_folder_and_read(alias: str, folder: str) -> None:
    path = UPath(folder) / "a.txt"
    assert not path.exists()
    path.write_text("東京\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "東京\n"
    assert path.read_bytes() == "東京\n".encode()
    assert storages[alias].exists("new/folder/a.txt")


def test_a_folder_is_walked(alias: str, folder: str) -> None:
    for name in ("a.txt", "b.csv", "deep/er/c.csv"):
        storages[alias].save(f"new/folder/{name}", ContentFile(b"x"))
    path = UPath(folder)
    assert sorted(child.name for child in path.iterdir()) == ["a.txt", "b.csv", "deep"]
    assert [found.name for found in path.glob("*.csv")] == ["b.csv"]
    assert sorted(found.name for found in path.rglob("*.csv")) == ["b.csv", "c.csv"]
    assert [path.is_dir(), (path / "a.txt").is_file(), (path / "a.txt").is_dir()] == [True, True, False]
    assert (path / "deep" / "er").parent.parent == path


def test_a_file_is_measured_renamed_and_deleted(alias: str, folder: str) -> None:
    storages[alias].save("new/folder/a.txt", ContentFile(b"12345"))
    path = UPath(folder) / "a.txt"
    assert path.stat().st_size == 5
    moved = path.rename(path.with_name("b.txt"))
    assert storages[alias].listdir("new/folder")[1] == ["b.txt"]
    moved.unlink()
    assert storages[alias].listdir("new/folder")[1] == []


def test_the_url_of_a_storage_serves_directly(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b"12345"))
    path = UPath(storage.fs_url("a.txt"), **storage.storage_options)
    assert path.read_bytes() == b"12345"
    assert [child.name for child in path.parent.iterdir()] == ["a.txt"]


def test_pandas_takes_the_file_that_a_path_opens_but_not_the_path(folder: str, table: pd.DataFrame) -> None:
    path = UPath(folder) / "a.csv"
    with path.open("w") as file:
        table.to_csv(file, index=False)
    with path.open() as file:
        assert len(pd.read_csv(file)) == 4
    with pytest.raises(ValueError, match="Invalid file path"):
        pd.read_csv(path)
