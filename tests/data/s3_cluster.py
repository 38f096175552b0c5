"""Run as a program: dask with two worker processes on the bucket of ``s3_cluster_settings``; prints what it found."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import dask.dataframe as dd
import django
import pandas as pd
from distributed import get_worker
from distributed.protocol.pickle import dumps

from tests.data.cluster import quiet, two_workers
from tests.data.registering import register


def count(storage: Any, name: str) -> tuple[int, int]:
    """Return the process, and a sum over what Django reads there."""
    assert get_worker().address
    with storage.open(name) as file:
        return os.getpid(), int(pd.read_csv(file)["count"].sum())


def main() -> None:
    """Start the cluster, use it, print."""
    register()
    quiet()
    django.setup()
    from django.core.files.base import ContentFile
    from django.core.files.storage import storages

    storage: Any = storages["default"]
    table = pd.DataFrame({"count": range(100)})
    storage.save("django.csv", ContentFile(table.to_csv(index=False)))
    with two_workers() as client:
        dd.from_pandas(table, npartitions=4).to_parquet("djstorage://default/dask")
        frames = [dd.read_csv("djstorage://default/django.csv"), dd.read_parquet("djstorage://default/dask")]
        sums = [int(frame["count"].sum().compute()) for frame in frames]
        workers = list(client.scheduler_info()["workers"])
        there = [
            client.submit(count, storage, "django.csv", workers=[worker], pure=False).result()
            for worker in workers
        ]
        secret = os.environ["CLUSTER_SECRET"].encode()
        found = {
            "sums": [*sums, *{each for _, each in there}],
            "processes": len({process for process, _ in there}),
            "secrets": sum(secret in dumps(each) for each in (storage, *frames)),
        }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
