"""duckdb, with the filesystem of all aliases registered, or that of one storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pandas as pd
import pytest
from django.core.files.storage import storages


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def counts(connection: duckdb.DuckDBPyConnection, source: str) -> list[int]:
    return [row[0] for row in connection.execute(f"select count from {source} order by count").fetchall()]


def test_parquet_and_csv_are_read_also_by_pattern(
    connection: duckdb.DuckDBPyConnection, filesystem: Any, folder: str, table: pd.DataFrame
) -> None:
    table.head(2).to_parquet(f"{folder}/a1.parquet")
    table.tail(2).to_parquet(f"{folder}/a2.parquet")
    table.to_csv(f"{folder}/a.csv", index=False)
    connection.register_filesystem(filesystem)
    assert counts(connection, f"read_parquet('{folder}/a1.parquet')") == [1, 2]
    assert counts(connection, f"read_parquet('{folder}/a*.parquet')") == [1, 2, 3, 4]
    assert counts(connection, f"read_csv('{folder}/a.csv')") == [1, 2, 3, 4]


def test_parquet_and_csv_are_written_into_a_new_folder(
    connection: duckdb.DuckDBPyConnection, filesystem: Any, alias: str, folder: str, table: pd.DataFrame
) -> None:
    connection.register_filesystem(filesystem)
    connection.execute(f"copy (select * from \"table\") to '{folder}/a.parquet'")
    connection.execute(f"copy (select * from \"table\") to '{folder}/a.csv'")
    assert sorted(storages[alias].listdir("new/folder")[1]) == ["a.csv", "a.parquet"]
    with storages[alias].open("new/folder/a.parquet") as file:
        assert pd.read_parquet(file)["count"].sum() == 10


def test_the_filesystem_of_a_storage_serves_directly(
    connection: duckdb.DuckDBPyConnection, storage: Any, table: pd.DataFrame
) -> None:
    with storage.open("new/folder/a.parquet", "wb") as file:
        table.to_parquet(file)
    connection.register_filesystem(storage.fs)
    assert counts(connection, f"read_parquet('{storage.fs_url('new/folder/a.parquet')}')") == [1, 2, 3, 4]
