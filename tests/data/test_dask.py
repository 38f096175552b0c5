"""dask with two worker processes: only the alias travels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import pandas as pd
import pytest

from tests.support.processes import ROOT, python


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the cluster found; it runs once."""
    root = tmp_path_factory.mktemp("cluster")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.data.cluster_settings",
        "CLUSTER_ROOT": str(root),
        "PYTHONPATH": str(ROOT),
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "120s",
    }
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.data.cluster"]
    ended = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    result["files"] = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    return result


@pytest.mark.parametrize("alias", ["default", "django"])
def test_workers_write_and_read_parquet_and_csv(found: dict[str, Any], alias: str) -> None:
    result = found[alias]
    assert result["parquet"] == sum(range(100))
    assert result["csv"] == {"Köln": sum(range(0, 100, 2)), "東京": sum(range(1, 100, 2))}
    assert result["partitions"] == [4, 4]
    assert result["pandas"] == 100
    for kind, suffix in (("parquet", "parquet"), ("csv", "csv")):
        written = [
            f for f in found["files"] if f.startswith(f"{alias}/new/folder/{kind}/") and f.endswith(suffix)
        ]
        assert len(written) == 4


def test_every_worker_is_another_process_that_knows_the_aliases(found: dict[str, Any]) -> None:
    processes = {process for process, _ in found["sizes"]}
    assert len(processes) == 2
    assert found["client"] not in processes
    assert [size for _, size in found["sizes"]] == [len("from the client")] * 2


def test_a_storage_travels_as_its_alias(found: dict[str, Any]) -> None:
    assert [rest for _, *rest in found["storages"]] == [["default", "from the client"]] * 2
    assert max(found["pickles"]) < 300


def test_no_graph_and_no_pickle_holds_a_secret(found: dict[str, Any]) -> None:
    assert [found[alias]["secrets"] for alias in ("default", "django")] == [0, 0]
    assert found["secret in pickles"] is False


def test_workers_take_the_filesystem_of_a_storage_too(found: dict[str, Any]) -> None:
    assert found["direct"] == sum(range(100))


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_threads_work_on_every_alias(folder: str, table: pd.DataFrame) -> None:
    frame = dd.from_pandas(table, npartitions=2)
    frame.to_parquet(f"{folder}/parquet", compute_kwargs={"scheduler": "threads"})
    frame.to_csv(f"{folder}/csv/*.csv", index=False, compute_kwargs={"scheduler": "threads"})
    assert dd.read_parquet(f"{folder}/parquet")["count"].sum().compute(scheduler="threads") == 10
    assert dd.read_csv(f"{folder}/csv/*.csv")["count"].sum().compute(scheduler="threads") == 10


@pytest.mark.parametrize(
    "use", ["pandas.read_csv('djstorage://default/a.csv')", "fsspec.filesystem('djstorage').ls('')"]
)
def test_a_process_without_settings_is_told_what_it_needs(use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    ended = python(f"import fsspec, pandas\nfrom tests.data.registering import register\nregister()\n{use}")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "RuntimeError: djstorage:// needs the Django project that the alias belongs to: set DJANGO_SETTINGS_MODULE in "
        "this process (and in every worker of dask and its like)."
    )


def test_a_process_with_settings_needs_no_setup(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.data.cluster_settings",
        "CLUSTER_ROOT": str(tmp_path),
    }
    (tmp_path / "default").mkdir()
    (tmp_path / "default/a.csv").write_text("a\n1\n2\n")
    script = (
        "import pandas\nfrom tests.data.registering import register\nregister()\n"
        "print(pandas.read_csv('djstorage://default/a.csv').a.sum())"
    )
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (ended.stdout, ended.stderr) == ("3\n", "")
