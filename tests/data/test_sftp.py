"""pandas and pyarrow on an SFTP server: they read what Django wrote there, and Django what they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import fsspec
import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.core.files.storage import storages
from django.test import override_settings
from pandas.testing import assert_frame_equal

from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from django_fsspec_storages.errors import CannotKeepPromise
from tests.data.registering import register
from tests.data.reports import write_table
from tests.servers.sftp import SFTPServer

PATH = "django_fsspec_storages.backends.sftpstorage.SFTPStorage"


@pytest.fixture
def options(sftp_server: SFTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Those of a storage that sets modes and owners too, which sshfs by itself knows nothing of."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = f"/{tmp_path.name}/reports"
    return {**sftp_server.settings(), "root_path": root, "file_mode": 0o640, "dir_mode": 0o750}


@pytest.fixture
def storage(options: dict[str, Any]) -> Iterator[Any]:
    """The alias ``reports``."""
    register()
    with override_settings(STORAGES={"reports": {"BACKEND": PATH, "OPTIONS": options}}):
        made: Any = storages["reports"]
        with made:
            yield made


@pytest.fixture
def written(storage: Any, table: pd.DataFrame) -> str:
    """What Django wrote."""
    return write_table(storage, table)


def test_they_read_what_django_wrote(storage: Any, written: str, table: pd.DataFrame) -> None:
    assert_frame_equal(pd.read_csv(f"{written}/table ü.csv"), table)
    path = storage.fs_path("2026/table.parquet")
    assert_frame_equal(pd.read_parquet(path, filesystem=storage.fs), table)
    assert pq.read_table(path, filesystem=storage.fs, columns=["count"])["count"].to_pylist() == [1, 2, 3, 4]


def test_django_reads_what_they_wrote(storage: Any, table: pd.DataFrame) -> None:
    table.to_csv("djstorage://reports/new/a.csv", index=False)
    table.to_parquet(storage.fs_path("new/b.parquet"), filesystem=storage.fs)
    assert sorted(storage.listdir("new")[1]) == ["a.csv", "b.parquet"]
    with storage.open("new/a.csv", "r") as file:
        assert file.read() == table.to_csv(index=False)


def test_a_writer_that_fails_in_an_open_file_publishes_nothing(storage: Any) -> None:
    def rows() -> Iterator[str]:
        yield "a,b\n" * 1_000_000
        raise LookupError("cannot be written")

    with pytest.raises(LookupError), storage.open("a.csv", "w") as file:
        file.writelines(rows())
    assert storage.listdir("") == ([], [])
    assert list(storage.fs.leftovers(storage.fs_path(""))) == []


def test_plain_sshfs_takes_the_options(storage: Any, written: str, table: pd.DataFrame) -> None:
    plain = fsspec.filesystem("sftp", **storage.storage_options, skip_instance_cache=True)
    assert type(plain).__module__ == "sshfs.spec"
    assert plain.cat_file(storage.fs_path("2026/table ü.csv")).decode() == table.to_csv(index=False)
    url = storage.fs_url("2026/table ü.csv")
    with fsspec.open(url, **storage.storage_options) as file:
        assert_frame_equal(pd.read_csv(file), table)
    assert_frame_equal(pd.read_csv(url, storage_options=storage.storage_options), table)


@pytest.mark.parametrize("known", ["a missing file", "another key", "the user's own"])
def test_plain_sshfs_verifies_the_key_of_the_host(
    options: dict[str, Any], tmp_path: Path, known: str
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (tmp_path / "another").write_text(f"* {key}")
    file = {
        "a missing file": tmp_path / "missing",
        "another key": tmp_path / "another",
        "the user's own": None,
    }
    storage = SFTPStorage(**{**options, "known_host_file": file[known]})
    with pytest.raises((asyncssh.HostKeyNotVerifiable, OSError)):
        fsspec.filesystem("sftp", **storage.storage_options, skip_instance_cache=True)


def test_below_the_folder_of_a_login_there_is_no_url(options: dict[str, Any]) -> None:
    for root in ("", "reports"):
        storage = SFTPStorage(**{**options, "root_path": root})
        with pytest.raises(CannotKeepPromise, match=r"folder of (the|a) login.*filesystem=storage\.fs"):
            storage.fs_url("a.csv")
        assert storage.fs_path("a.csv") == f"{root}/a.csv".lstrip("/")
