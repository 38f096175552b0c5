"""pyarrow, and polars over it, on every alias and on the filesystem of every storage of ours."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from django.core.files.storage import storages


@pytest.fixture
def rows(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table)


def test_a_table_is_written_into_a_new_folder_and_read(filesystem: Any, alias: str, rows: pa.Table) -> None:
    path = f"{alias}/new/folder/a.parquet"
    pq.write_table(rows, path, filesystem=filesystem)
    assert pq.read_table(path, filesystem=filesystem).equals(rows)
    assert storages[alias].exists("new/folder/a.parquet")


def test_a_partitioned_dataset_is_written_and_filtered(filesystem: Any, alias: str, rows: pa.Table) -> None:
    path = f"{alias}/new/dataset"
    ds.write_dataset(
        rows, path, filesystem=filesystem, format="parquet", partitioning=["city"], partitioning_flavor="hive"
    )
    dataset = ds.dataset(path, filesystem=filesystem, partitioning="hive")
    assert len(dataset.files) == 3
    assert all(file.startswith(f"{alias}/new/dataset/city=") for file in dataset.files)
    assert dataset.to_table(filter=ds.field("city") == "Köln")["count"].to_pylist() == [2, 4]


def test_the_filesystem_of_a_storage_serves_directly(storage: Any, rows: pa.Table) -> None:
    path = storage.fs_path("new/dataset")
    ds.write_dataset(rows, path, filesystem=storage.fs, format="parquet")
    assert ds.dataset(path, filesystem=storage.fs).to_table().equals(rows)
    (part,) = storage.listdir("new/dataset")[1]
    wrapped = pafs.PyFileSystem(pafs.FSSpecHandler(storage.fs))
    assert pq.read_table(f"{path}/{part}", filesystem=wrapped).equals(rows)


def test_pyarrow_uses_the_filesystem_it_is_given(storage: Any) -> None:
    # Of a class named LocalFileSystem it would make its own, which keeps none of our promises.
    given, _ = pafs._resolve_filesystem_and_path(storage.fs_path("a"), storage.fs)
    assert isinstance(given, pafs.PyFileSystem)
    assert given.handler.fs is storage.fs


def test_polars_reads_and_writes_open_files(storage: Any, rows: pa.Table) -> None:
    frame = pl.DataFrame(pl.from_arrow(rows))
    with storage.open("a.parquet", "wb") as file:
        frame.write_parquet(file)
    with storage.open("a.csv", "wb") as file:
        frame.write_csv(file)
    with storage.open("a.parquet") as file:
        assert pl.read_parquet(file).equals(frame)
    with storage.open("a.csv") as file:
        assert pl.read_csv(file).equals(frame)


def test_polars_reads_what_the_filesystem_opens(filesystem: Any, alias: str, rows: pa.Table) -> None:
    frame = pl.DataFrame(pl.from_arrow(rows))
    with filesystem.open(f"{alias}/new/a.parquet", "wb") as file:
        frame.write_parquet(file)
    with filesystem.open(f"{alias}/new/a.parquet") as file:
        assert pl.scan_parquet(file).filter(pl.col("count") > 2).collect()["count"].to_list() == [3, 4]


def test_polars_reads_the_files_of_djangos_own_storages(alias: str, folder: str, table: pd.DataFrame) -> None:
    table.to_parquet(f"{folder}/a.parquet")
    with storages[alias].open("new/folder/a.parquet") as file:
        assert pl.read_parquet(file)["count"].to_list() == [1, 2, 3, 4]


def test_polars_scans_a_dataset_of_pyarrow(filesystem: Any, alias: str, rows: pa.Table) -> None:
    ds.write_dataset(rows, f"{alias}/new/dataset", filesystem=filesystem, format="parquet")
    dataset = ds.dataset(f"{alias}/new/dataset", filesystem=filesystem)
    lazy = pl.scan_pyarrow_dataset(dataset).filter(pl.col("city") == "Köln")
    assert lazy.collect()["count"].to_list() == [2, 4]


def test_polars_itself_knows_no_fsspec_url(folder: str, table: pd.DataFrame) -> None:
    table.to_parquet(f"{folder}/a.parquet")
    for read in (pl.read_parquet, lambda url: pl.scan_parquet(url).collect()):
        with pytest.raises(FileNotFoundError):
            read(f"{folder}/a.parquet")
