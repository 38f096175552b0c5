"""Run as a program: dask with two worker processes on the storages of ``cluster_settings``; prints what it found."""

from __future__ import annotations

import json
import os
import pickle
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask.dataframe as dd
import fsspec
import pandas as pd
from distributed import Client, LocalCluster, get_worker
from distributed.protocol.pickle import dumps

from tests.data.registering import register


def quiet() -> None:
    """Let dask call pandas in ways that pandas warns of."""
    warnings.filterwarnings("ignore", "The inplace keyword")


def where_is(filesystem: Any, path: str) -> tuple[int, int]:
    """Return the process and the size of a file there."""
    assert get_worker().address
    return os.getpid(), filesystem.info(path)["size"]


def describe(storage: Any) -> tuple[int, str, str]:
    """Return the process, the alias of a storage there and the content of a file."""
    assert get_worker().address
    with storage.open("note.txt") as file:
        return os.getpid(), storage.alias, file.read().decode()


@contextmanager
def two_workers() -> Iterator[Client]:
    """Start a cluster of two processes that know the protocol; return its client."""
    with (
        LocalCluster(
            processes=True,
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # None is port 8787, which another may have
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(register)
        client.run(quiet)
        yield client


def round_trips(folder: str) -> dict[str, Any]:
    """Write and read with tasks on the workers."""
    frame = dd.from_pandas(pd.DataFrame({"city": ["Köln", "東京"] * 50, "count": range(100)}), npartitions=4)
    frame.to_parquet(f"{folder}/parquet")
    frame.to_csv(f"{folder}/csv/*.csv", index=False)
    parquet, csv = dd.read_parquet(f"{folder}/parquet"), dd.read_csv(f"{folder}/csv/*.csv")
    graphs = [dumps(each) for each in (parquet, csv, parquet.__dask_graph__(), csv.__dask_graph__())]
    return {
        "parquet": int(parquet["count"].sum().compute()),
        "csv": csv.groupby("city")["count"].sum().compute().to_dict(),
        "partitions": [parquet.npartitions, csv.npartitions],
        "pandas": len(pd.read_parquet(f"{folder}/parquet")),
        "secrets": sum(b"hunter2" in graph for graph in graphs),
    }


def main() -> None:
    """Start the cluster, use it, print."""
    register()
    quiet()
    filesystem = fsspec.filesystem("djstorage")
    filesystem.pipe_file("default/note.txt", b"from the client")
    from django.core.files.storage import storages

    storage: Any = storages["default"]
    with two_workers() as client:
        workers = list(client.scheduler_info()["workers"])
        found: dict[str, Any] = {
            alias: round_trips(f"djstorage://{alias}/new/folder") for alias in ("default", "django")
        }
        found["sizes"] = [
            client.submit(where_is, filesystem, "default/note.txt", workers=[worker], pure=False).result()
            for worker in workers
        ]
        found["storages"] = [
            client.submit(describe, storage, workers=[worker], pure=False).result() for worker in workers
        ]
        found["direct"] = int(
            dd.read_parquet(storage.fs_path("new/folder/parquet"), filesystem=storage.fs)["count"]
            .sum()
            .compute()
        )
        found["client"] = os.getpid()
        found["pickles"] = [len(pickle.dumps(each)) for each in (filesystem, storage)]
        found["secret in pickles"] = any(b"hunter2" in pickle.dumps(each) for each in (filesystem, storage))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
