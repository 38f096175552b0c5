"""What a login is given: options that asyncssh does not take, a file of its own, a user without name and home."""

from __future__ import annotations

import asyncio
import gc
import getpass
import logging
import pwd
import sys
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from django_fsspec_storages.filesystems.sftp_channel import OneAttempt
from django_fsspec_storages.filesystems.sftp_login import known_hosts_file
from tests.servers.process import HOST
from tests.servers.sftp import PASSWORD, USER, SFTPServer
from tests.servers.sftp_filesystem import filesystem_on


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process run as a user that is but a number, as in many a container."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> Any:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for module in ("config", "connection", "public_key"):  # as they are by now, for those who come after
        monkeypatch.setattr(f"asyncssh.{module}.Path", sys.modules[f"asyncssh.{module}"].Path)
    monkeypatch.setattr("asyncssh.connection.getpass", getpass)


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("more", [{}, {"client_keys": None}, {"kex_algs": "curve25519-sha256"}])
def test_a_user_that_is_but_a_number_logs_in(sftp_server: SFTPServer, more: Any) -> None:
    assert filesystem_on(sftp_server, **more).isdir("/")


@pytest.mark.usefixtures("nobody")
def test_who_has_no_name_is_asked_for_one(sftp_server: SFTPServer) -> None:
    options = sftp_server.options()
    del options["username"]
    with pytest.raises(PermissionError, match="the login needs one: give username"):
        SFTPFileSystem(**options, skip_instance_cache=True).inspect("/")


@pytest.mark.usefixtures("nobody")
def test_who_has_no_home_is_asked_for_a_file_of_known_hosts(sftp_server: SFTPServer) -> None:
    options = sftp_server.options()
    for given in ({}, {"known_hosts": "~/known_hosts"}):
        fs = SFTPFileSystem(**{**options, "known_hosts": (), **given}, skip_instance_cache=True)
        with pytest.raises(PermissionError, match="no home folder.* give known_host_file"):
            fs.inspect("/")
    with pytest.raises(PermissionError, match="no home folder.* give known_host_file"):
        known_hosts_file(None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kex_algs", "nonsense"),
        ("encryption_algs", ["nonsense"]),
        ("mac_algs", b"nonsense"),
        ("rekey_bytes", "plenty"),
        ("rekey_bytes", -1),
    ],
)
def test_an_option_that_asyncssh_does_not_take_is_named(
    sftp_server: SFTPServer, name: str, value: Any
) -> None:
    with pytest.raises(ValueError, match=f"asyncssh does not take this {name}: "):
        filesystem_on(sftp_server, **{name: value})


def test_what_asyncssh_does_not_take_is_no_matter_of_known_hosts(
    sftp_server: SFTPServer, tmp_path: Path
) -> None:
    fs = filesystem_on(sftp_server, client_host_keysign=str(tmp_path / "missing"))
    with pytest.raises(ValueError, match="Keysign not found"):
        fs.inspect("/")


@pytest.mark.parametrize("several", [False, True])
def test_a_file_of_options_may_be_below_the_home(
    sftp_server: SFTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, several: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").write_text(
        f"Host files\nHostname {HOST}\nPort {sftp_server.port}\nUser {USER}\n"
        f"UserKnownHostsFile {sftp_server.known_hosts}\n"
    )
    named: Any = ["~/config"] if several else "~/config"
    fs = SFTPFileSystem("files", config=named, password=PASSWORD, agent_path=None, skip_instance_cache=True)
    assert fs.isdir("/")
    fs = SFTPFileSystem("files", config="~/missing", agent_path=None, skip_instance_cache=True)
    with pytest.raises(PermissionError, match=f"the login needs the file '{tmp_path}/missing'"):
        fs.isdir("/")


def test_an_attempt_that_fails_when_nobody_waits_any_more_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def log_in() -> None:
        begun, may_fail = asyncio.Event(), asyncio.Event()

        async def attempt() -> None:
            begun.set()
            await may_fail.wait()
            raise LookupError

        caller = asyncio.create_task(OneAttempt(attempt)())
        await begun.wait()
        caller.cancel()
        await asyncio.wait([caller])
        may_fail.set()
        (attempted,) = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait([attempted])

    gc.collect()  # what others left
    caplog.clear()
    asyncio.run(log_in())
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
