"""pandas reads and writes every alias, and the filesystem of every storage of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.files.storage import storages
from pandas.testing import assert_frame_equal


def test_parquet_is_written_into_a_new_folder_and_read(folder: str, table: pd.DataFrame) -> None:
    table.to_parquet(f"{folder}/a.parquet")
    assert_frame_equal(pd.read_parquet(f"{folder}/a.parquet"), table)
    assert pd.read_parquet(f"{folder}/a.parquet", columns=["count"])["count"].sum() == 10


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a b [1] é.csv"])
def test_csv_is_written_into_a_new_folder_and_read(folder: str, table: pd.DataFrame, name: str) -> None:
    table.to_csv(f"{folder}/{name}", index=False)
    assert_frame_equal(pd.read_csv(f"{folder}/{name}"), table)


def test_what_pandas_wrote_is_a_file_of_the_storage(alias: str, folder: str, table: pd.DataFrame) -> None:
    table.to_csv(f"{folder}/a.csv", index=False)
    assert storages[alias].listdir("new/folder") == ([], ["a.csv"])
    with storages[alias].open("new/folder/a.csv") as file:
        assert_frame_equal(pd.read_csv(file), table)


def test_writing_again_replaces(folder: str, table: pd.DataFrame) -> None:
    table.to_parquet(f"{folder}/a.parquet")
    table.head(1).to_parquet(f"{folder}/a.parquet")
    assert len(pd.read_parquet(f"{folder}/a.parquet")) == 1


def test_a_partitioned_dataset_is_written_and_read(folder: str, table: pd.DataFrame) -> None:
    table.to_parquet(f"{folder}/parts", partition_cols=["city"])
    back = pd.read_parquet(f"{folder}/parts", filters=[("city", "==", "Köln")])
    assert sorted(back["count"]) == [2, 4]


def test_a_missing_file_is_missing(folder: str) -> None:
    with pytest.raises(FileNotFoundError):
        pd.read_csv(f"{folder}/none.csv")


def test_the_filesystem_of_a_storage_serves_directly(storage: Any, table: pd.DataFrame) -> None:
    path = storage.fs_path("new/folder/a.parquet")
    table.to_parquet(path, filesystem=storage.fs)
    assert_frame_equal(pd.read_parquet(path, filesystem=storage.fs), table)
    assert storage.exists("new/folder/a.parquet")


def test_a_url_and_options_serve_directly(storage: Any, table: pd.DataFrame) -> None:
    with storage.open("a.parquet", "wb") as file:
        table.to_parquet(file)
    with storage.open("a.csv", "w") as file:
        table.to_csv(file, index=False)
    options = storage.storage_options
    assert_frame_equal(pd.read_parquet(storage.fs_url("a.parquet"), storage_options=options), table)
    assert_frame_equal(pd.read_csv(storage.fs_url("a.csv"), storage_options=options), table)


def test_a_writer_that_fails_in_an_open_file_publishes_nothing(storage: Any, table: pd.DataFrame) -> None:
    with pytest.raises(LookupError), storage.open("a.csv", "w") as file:
        table.assign(city=Breaks()).to_csv(file, chunksize=1)
    assert not storage.exists("a.csv")


class Breaks:
    """A value that cannot be written."""

    def __str__(self) -> str:
        raise LookupError("cannot be written")


def test_nothing_on_disk_comes_from_an_alias_that_is_not_there(
    root: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    for alias in ("memory", "inmemory"):
        table.to_csv(f"djstorage://{alias}/a.csv")
    assert list(root.iterdir()) == []
