"""SFTP: what a strict reading found, each kept from coming back."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from tests.servers.process import HOST
from tests.servers.sftp import PASSWORD, USER, SFTPServer
from tests.servers.sftp_filesystem import filesystem_on
from tests.servers.sshd import openssh
from tests.support.waiting import until


@pytest.fixture
def home(sftp_server: SFTPServer, tmp_path: Path) -> Path:
    return sftp_server.folder(tmp_path.name)


@pytest.fixture
def fs(sftp_server: SFTPServer) -> SFTPFileSystem:
    return filesystem_on(sftp_server)


def test_who_logs_out_breaks_no_save_of_another(fs: SFTPFileSystem, home: Path) -> None:
    failed: list[BaseException] = []
    ended = threading.Event()

    def save(number: int) -> None:
        try:
            for turn in range(25):
                fs.pipe_file(f"/{home.name}/{number}-{turn}", b"x", mode=("create", "overwrite")[turn % 2])
        except Exception as error:
            failed.append(error)

    def log_out() -> None:
        while not ended.is_set():
            fs.logout()

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    restless = threading.Thread(target=log_out)
    for thread in (restless, *threads):
        thread.start()
    for thread in threads:
        thread.join(60)
    ended.set()
    restless.join(60)
    assert failed == []
    assert len(list(home.iterdir())) == 100


def test_the_last_host_of_a_file_without_a_final_newline_stays_known(
    sftp_server: SFTPServer, tmp_path: Path
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    known = tmp_path / "known_hosts"
    known.write_text(f"bank.example.org {key}")
    for _ in range(2):
        fs = SFTPFileSystem(
            **sftp_server.options(known_hosts=str(known)), auto_add_host_keys=True, skip_instance_cache=True
        )
        assert fs.exists("/")
    lines = known.read_text().splitlines()
    assert lines[0] == f"bank.example.org {key}"
    assert [line.split()[0] for line in lines] == ["bank.example.org", f"[{HOST}]:{sftp_server.port}"]


@pytest.fixture
def undecodable(home: Path) -> Iterator[None]:
    (home / "a").write_bytes(b"1")
    path = os.fsencode(home) + b"/\xff\xfe"
    with open(path, "wb"):
        yield


@pytest.mark.usefixtures("undecodable")
def test_a_name_that_is_no_utf_8_is_said_so_and_costs_no_channel(fs: SFTPFileSystem, home: Path) -> None:
    for _ in range(5):
        with pytest.raises(OSError, match="no UTF-8") as caught:
            list(fs.scan(f"/{home.name}", "/"))
        assert not isinstance(caught.value, ConnectionError)
    assert fs.inspect(f"/{home.name}/a").size == 1
    assert (fs.session.active_channels, fs.session.opened) == (1, 1)


def test_a_link_that_cannot_be_followed_hides_no_folder(
    fs: SFTPFileSystem, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "sub").mkdir()
    for name in ("a", "z"):
        (home / "sub" / name).write_bytes(b"1")
    (home / "sub" / "link").symlink_to("a")
    real = asyncssh.SFTPClient.stat

    async def refused(client: Any, path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).endswith("link"):
            raise asyncssh.SFTPPermissionDenied("the test refuses it")
        return await real(client, path, *arguments, **options)

    monkeypatch.setattr(asyncssh.SFTPClient, "stat", refused)
    found = {facts.path.rpartition("/")[2]: facts.type for page in fs.scan(f"/{home.name}") for facts in page}
    assert found == {"a": "file", "link": "other", "z": "file"}


def test_a_private_file_is_private_while_it_is_sent(sftp_server: SFTPServer, home: Path) -> None:
    fs = SFTPFileSystem(**sftp_server.options(), file_mode=0o600, dir_mode=0o700, skip_instance_cache=True)
    file = fs.open(f"/{home.name}/sub/a", "wb")
    file.write(bytes(2_000_000))
    (sent,) = (home / "sub").iterdir()
    assert stat.S_IMODE(sent.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((home / "sub").stat().st_mode) == 0o700
    file.close()
    assert stat.S_IMODE((home / "sub" / "a").stat().st_mode) == 0o600


def test_a_removal_whose_answer_is_lost_is_not_made_twice(
    fs: SFTPFileSystem, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "a").write_bytes(b"1")
    real, calls = asyncssh.SFTPClient.remove, []

    async def lossy(client: Any, path: Any) -> None:
        calls.append(path)
        await real(client, path)
        raise asyncssh.SFTPConnectionLost("the test cuts the connection")

    monkeypatch.setattr(asyncssh.SFTPClient, "remove", lossy)
    fs.remove(f"/{home.name}/a")
    assert len(calls) == 1

    async def replaced(client: Any, path: Any) -> None:
        await real(client, path)
        (home / "a").write_bytes(b"another's")
        raise asyncssh.SFTPConnectionLost("the test cuts the connection")

    (home / "a").write_bytes(b"1")
    monkeypatch.setattr(asyncssh.SFTPClient, "remove", replaced)
    with pytest.raises(ConnectionError):
        fs.remove(f"/{home.name}/a")
    assert (home / "a").read_bytes() == b"another's"


def test_a_session_of_the_parent_is_not_the_childs(fs: SFTPFileSystem) -> None:
    assert fs.exists("/")
    connection = bridge(fs.session.connection())
    fs.session._pid -= 1  # as a forked child finds it
    assert bridge(fs.session.connection()) is not connection
    assert fs.session.logins == 1


@pytest.mark.parametrize("size", [400_000, 3_000_000])
def test_what_the_server_stored_in_part_without_a_word_is_not_published(size: int, tmp_path: Path) -> None:
    with SFTPServer(largest=100_000) as server:
        home = server.folder(tmp_path.name)
        fs = filesystem_on(server)
        with pytest.raises(OSError, match="disk full|file too large"):
            fs.pipe_file(f"/{home.name}/a", b"x" * size)
        assert list(home.iterdir()) == []


def test_a_revoked_key_is_never_added(sftp_server: SFTPServer, tmp_path: Path) -> None:
    key = sftp_server.known_hosts.read_text().split(maxsplit=1)[1]
    known = tmp_path / "known_hosts"
    known.write_text(f"@revoked [{HOST}]:{sftp_server.port} {key}")
    before = known.read_text()
    options = sftp_server.options(known_hosts=str(known))
    fs = SFTPFileSystem(**options, auto_add_host_keys=True, skip_instance_cache=True)
    with pytest.raises(ConnectionError, match="host key is revoked, in"):
        fs.inspect("/")
    assert known.read_text() == before


@pytest.mark.parametrize("content", ["oops\n", "# K\xfcste\n", "-----BEGIN PRIVATE KEY-----\nMIIEsecret\n"])
def test_a_file_of_known_hosts_that_is_none_is_named_and_not_quoted(
    sftp_server: SFTPServer, tmp_path: Path, content: str
) -> None:
    known = tmp_path / "known_hosts"
    known.write_bytes(content.encode("latin-1"))
    fs = filesystem_on(sftp_server, known_hosts=str(known))
    with pytest.raises(
        PermissionError, match="cannot be read: a line in it is none of known hosts"
    ) as caught:
        fs.inspect("/")
    shown = "".join(traceback.format_exception(caught.value))
    assert str(known) in shown
    assert "MIIEsecret" not in shown


def open_at(server: Any, path: Path) -> int:
    """Return how many descriptors of a file or folder a server has open."""
    found = 0
    for link in Path(f"/proc/{server.pid}/fd").iterdir():
        with suppress(OSError):
            found += Path(os.readlink(link)).is_relative_to(path)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc tells what a process has open")
def test_who_is_cancelled_while_he_opens_a_file_leaves_nothing_open(
    sftp_server: SFTPServer, fs: SFTPFileSystem, home: Path
) -> None:
    (home / "a").write_bytes(b"content")

    async def cancelled_after(turns: int, begin: Any, end: Any) -> None:
        task = asyncio.ensure_future(begin)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await end(await task)

    async def all_turns() -> None:
        await fs._inspect(f"/{home.name}/a")
        for turns in range(40):
            await cancelled_after(turns, fs._begin_read(f"/{home.name}/a"), lambda download: download.close())
            await cancelled_after(turns, fs._begin_upload(f"/{home.name}/b"), lambda upload: upload.abort())

    bridge(all_turns())
    until(lambda: open_at(sftp_server, home) == 0)
    until(lambda: [path.name for path in home.iterdir()] == ["a"])


def test_a_connection_that_opens_no_more_sessions_gives_way_to_another() -> None:
    with openssh(max_sessions=1) as server:
        server.folder("home")
        fs = filesystem_on(server)
        fs.inspect("/home")

        async def use_up() -> None:
            """Leave a session open that nobody knows any more."""
            fs.session._channels.clear()

        bridge(use_up())
        with pytest.raises(ConnectionError, match="opens no SFTP session"):
            fs.inspect("/home")
        for _ in range(2):
            assert fs.inspect("/home").type == "directory"
        assert fs.session.logins == 2


def test_folders_are_removed_without_what_links_lead_to(fs: SFTPFileSystem, home: Path) -> None:
    (home / "kept").mkdir()
    (home / "kept" / "a").write_bytes(b"kept")
    (home / "folder" / "b").mkdir(parents=True)
    (home / "folder" / "b" / "c").write_bytes(b"")
    for link, target in {
        "folder/in": "../kept",
        "folder/up": "..",
        "folder/b/no": "where",
        "link": "kept",
    }.items():
        (home / link).symlink_to(target)
    with pytest.raises(OSError, match="not empty"):
        fs.rm(f"/{home.name}/folder")
    fs.rm([f"/{home.name}/folder", f"/{home.name}/link"], recursive=True)
    assert [path.relative_to(home).as_posix() for path in sorted(home.rglob("*"))] == ["kept", "kept/a"]
    with pytest.raises(FileNotFoundError):
        fs.rm(f"/{home.name}/missing", recursive=True)


def test_a_name_that_is_a_path_is_not_listed(
    fs: SFTPFileSystem, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A mock, as our servers give no such names.
    (home / "a").write_bytes(b"")
    real = asyncssh.SFTPClient.readdir

    async def readdir(client: Any, path: Any) -> Any:
        (entry,) = [each for each in await real(client, path) if each.filename == "a"]
        return [
            entry,
            asyncssh.SFTPName("../evil", attrs=entry.attrs),
            asyncssh.SFTPName("/evil", attrs=entry.attrs),
        ]

    monkeypatch.setattr(asyncssh.SFTPClient, "readdir", readdir)
    assert [facts.path for page in fs.scan(f"/{home.name}") for facts in page] == [f"/{home.name}/a"]


def test_a_copy_that_cannot_begin_keeps_no_file_open(
    sftp_server: SFTPServer, fs: SFTPFileSystem, home: Path
) -> None:
    (home / "a").write_bytes(b"content")
    with pytest.raises(NotADirectoryError):
        fs.cp_file(f"/{home.name}/a", f"/{home.name}/a/b")
    until(lambda: len(fs.session.holders) == 0)  # it is given back on the loop


def test_paramiko_takes_no_key_that_is_revoked(sftp_server: SFTPServer, tmp_path: Path) -> None:
    pytest.importorskip("paramiko")
    place = f"[{HOST}]:{sftp_server.port}"
    key = sftp_server.known_hosts.read_text().split(maxsplit=1)[1].strip()
    another = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    known = tmp_path / "known_hosts"
    login = {
        "port": sftp_server.port,
        "username": USER,
        "password": PASSWORD,
        "allow_agent": False,
        "look_for_keys": False,
    }
    fs = filesystem_on(sftp_server, known_hosts=str(known))
    for revoked, is_taken in ((another, True), (key, False)):
        known.write_text(f"{place} {key}\n@revoked {place} {revoked}\n")
        if is_taken:
            fs.lend_client(login, known).close()
        else:
            with pytest.raises(Exception, match="not found in known_hosts"):
                fs.lend_client(login, known)
