"""pandas, dask, pyarrow and polars on a bucket: they read what Django wrote there, and Django what they wrote."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from django.core.files.storage import storages
from django.test import override_settings
from pandas.testing import assert_frame_equal

from tests.data.registering import register
from tests.data.reports import write_table
from tests.servers.environment import AWS_VARIABLES
from tests.servers.s3 import Bucket
from tests.support.processes import ROOT


@pytest.fixture
def bucket(s3_bucket: Callable[..., Bucket]) -> Bucket:
    return s3_bucket("data")


@pytest.fixture
def storage(bucket: Bucket) -> Iterator[Any]:
    """The alias ``reports``, below a location of the bucket."""
    register()
    options = {
        "bucket_name": bucket.name,
        "location": "media/reports",
        "endpoint_url": bucket.server.endpoint,
        "region_name": bucket.server.region,
        "access_key": bucket.server.key,
        "secret_key": bucket.server.secret,
    }
    alias = {"BACKEND": "django_fsspec_storages.backends.s3.S3Storage", "OPTIONS": options}
    with override_settings(STORAGES={"reports": alias}):
        yield storages["reports"]


@pytest.fixture
def written(storage: Any, table: pd.DataFrame) -> str:
    """What Django wrote: a CSV that was uploaded, and a Parquet file through ``storage.open``."""
    return write_table(storage, table)


def test_pandas_reads_what_django_wrote(storage: Any, written: str, table: pd.DataFrame) -> None:
    assert_frame_equal(pd.read_csv(f"{written}/table ü.csv"), table)
    assert_frame_equal(pd.read_parquet(f"{written}/table.parquet"), table)
    path = storage.fs_path("2026/table.parquet")
    assert_frame_equal(pd.read_parquet(path, filesystem=storage.fs), table)
    url, options = storage.fs_url("2026/table ü.csv"), storage.storage_options
    assert_frame_equal(pd.read_csv(url, storage_options=options), table)
    with storage.open("2026/table ü.csv") as file:
        assert_frame_equal(pd.read_csv(file), table)


def test_django_reads_what_pandas_wrote(storage: Any, bucket: Bucket, table: pd.DataFrame) -> None:
    table.to_csv("djstorage://reports/new/a.csv", index=False)
    table.to_parquet(storage.fs_path("new/b.parquet"), filesystem=storage.fs)
    with storage.open("new/c.csv.gz", "wb") as file:
        table.to_csv(file, index=False, compression="gzip")
    assert storage.listdir("new") == ([], ["a.csv", "b.parquet", "c.csv.gz"])
    assert bucket.keys() == [f"media/reports/new/{name}" for name in ("a.csv", "b.parquet", "c.csv.gz")]
    with storage.open("new/a.csv", "r") as file:
        assert file.read() == table.to_csv(index=False)
    assert storage.size("new/b.parquet") == len(bucket.get("media/reports/new/b.parquet"))
    assert_frame_equal(pd.read_csv("djstorage://reports/new/c.csv.gz"), table)


def test_a_partitioned_dataset_is_written_and_filtered(storage: Any, table: pd.DataFrame) -> None:
    table.to_parquet("djstorage://reports/parts", partition_cols=["city"])
    back = pd.read_parquet("djstorage://reports/parts", filters=[("city", "==", "Köln")])
    assert sorted(back["count"]) == [2, 4]
    dataset = ds.dataset(storage.fs_path("parts"), filesystem=storage.fs, partitioning="hive")
    assert sorted(dataset.to_table(filter=ds.field("city") == "Köln")["count"].to_pylist()) == [2, 4]
    assert storage.listdir("parts")[0] == sorted(
        f"city={city}" for city in ("Bonn", "K%C3%B6ln", "%E6%9D%B1%E4%BA%AC")
    )


def test_a_column_of_a_large_file_costs_that_column(
    bucket: Bucket, storage: Any, proxied: Callable[..., Any]
) -> None:
    columns = {f"c{number}": range(number, 400_000 + number) for number in range(8)}
    with storage.open("wide.parquet", "wb") as file:
        pd.DataFrame(columns).to_parquet(file, compression="none")
    size, proxy = storage.size("wide.parquet"), proxied()
    near = type(storage)(**{**storage.given[1], "endpoint_url": proxy.endpoint})
    with proxy.counting() as requests:
        column = pd.read_parquet(near.fs_path("wide.parquet"), filesystem=near.fs, columns=["c7"])
    assert column["c7"].sum() == sum(columns["c7"])
    assert sum(request.down for request in requests) < size / 2


def test_pyarrow_and_polars_read_what_django_wrote(storage: Any, written: str, table: pd.DataFrame) -> None:
    path = storage.fs_path("2026/table.parquet")
    assert pq.read_table(path, filesystem=storage.fs)["count"].to_pylist() == [1, 2, 3, 4]
    with storage.open("2026/table.parquet") as file:
        assert pl.read_parquet(file)["count"].to_list() == [1, 2, 3, 4]
    with storage.fs.open(path) as file:
        assert pl.scan_parquet(file).filter(pl.col("count") > 2).collect()["count"].to_list() == [3, 4]


def test_a_writer_that_fails_in_an_open_file_publishes_nothing(bucket: Bucket, storage: Any) -> None:
    def rows() -> Iterator[str]:
        yield "a,b\n" * 2_000_000  # more than a part of an upload
        raise LookupError("cannot be written")

    with pytest.raises(LookupError), storage.open("a.csv", "w") as file:
        file.writelines(rows())
    assert bucket.keys() == bucket.uploads() == []


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_threads_of_dask_read_and_write(storage: Any, written: str, table: pd.DataFrame) -> None:
    threads = {"scheduler": "threads"}
    frame = dd.from_pandas(pd.concat([table] * 50, ignore_index=True), npartitions=4)
    frame.to_parquet("djstorage://reports/dask/parquet", compute_kwargs=threads)
    frame.to_csv("djstorage://reports/dask/csv/*.csv", index=False, compute_kwargs=threads)
    assert dd.read_parquet("djstorage://reports/dask/parquet")["count"].sum().compute(**threads) == 500
    assert dd.read_csv("djstorage://reports/dask/csv/*.csv")["count"].sum().compute(**threads) == 500
    direct = dd.read_parquet(storage.fs_path("dask/parquet"), filesystem=storage.fs)
    assert direct["count"].sum().compute(**threads) == 500
    assert dd.read_csv(f"{written}/*.csv")["count"].sum().compute(**threads) == 10
    assert len(storage.listdir("dask/csv")[1]) == 4


def test_neither_the_storage_nor_its_urls_carry_the_key_to_workers(
    bucket: Bucket, storage: Any, written: str
) -> None:
    graph = dd.read_csv(f"{written}/*.csv").__dask_graph__()
    for travels in (storage, graph, pd.read_csv):
        assert bucket.server.secret.encode() not in pickle.dumps(travels)


def test_processes_of_dask_find_the_bucket_by_its_alias(bucket: Bucket, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not AWS_VARIABLES.fullmatch(name)}
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.data.s3_cluster"],
        cwd=tmp_path,
        env={
            **environment,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "tests.data.s3_cluster_settings",
            "CLUSTER_BUCKET": bucket.name,
            "CLUSTER_ENDPOINT": bucket.server.endpoint,
            "CLUSTER_KEY": bucket.server.key,
            "CLUSTER_SECRET": bucket.server.secret,
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "120s",
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["sums"] == [sum(range(100))] * 3
    assert found["processes"] == 2
    assert found["secrets"] == 0
    assert len(bucket.keys("media/dask/")) == 4
