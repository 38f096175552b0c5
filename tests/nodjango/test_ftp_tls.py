"""FTP over TLS: whom we trust, what goes in the clear (nothing), and how a transfer ends."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.servers.certificates import make_certificates
from tests.servers.ftp import PASSWORD, USER, FTPServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, files_in, filesystem_on, listed, save
from tests.servers.ftp_relay import Relay
from tests.servers.process import HOST
from tests.support.waiting import at_once, until

CONTENT = content_of(20)

BOTH = pytest.mark.parametrize("tls", ["explicit", "implicit"])
VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"]
)


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[..., FTPServer]]:
    """Return servers of this module's, each made when it is first asked for."""
    made: dict[str, FTPServer] = {}

    def get(tls: Any, names: tuple[str, ...] = ("127.0.0.1", "localhost"), valid: int = 2) -> FTPServer:
        key = repr((tls, names, valid))
        if key not in made:
            made[key] = FTPServer(tls=tls, names=names)
            make_certificates(made[key].ca_file.parent, names, valid=timedelta(days=valid))
            made[key].start()
        return made[key]

    yield get
    for server in made.values():
        server.stop()


# Whom we trust


@BOTH
def test_a_certificate_of_a_known_authority_is_taken(servers: Callable[..., FTPServer], tls: str) -> None:
    fs = filesystem_on(servers(tls))
    assert fs.inspect("/").type == "directory"
    connection = fs.pool.acquire()
    assert connection.sock.version() == "TLSv1.3"
    fs.pool.release(connection)


@BOTH
@pytest.mark.parametrize("wrong", ["authority", "name", "time"])
def test_a_certificate_that_cannot_be_trusted_is_not(
    servers: Callable[..., FTPServer], tls: str, wrong: str
) -> None:
    names = ("elsewhere.example",) if wrong == "name" else ("127.0.0.1", "localhost")
    server = servers(tls, names, -1 if wrong == "time" else 2)
    fs = filesystem_on(server, **({"tls_ca_file": None} if wrong == "authority" else {}))
    calls: list[Callable[[], Any]] = [
        lambda: fs.inspect("/"),
        lambda: fs.cat_file("/a"),
        lambda: save(fs, "/a", b"x"),
        lambda: listed(fs, "/"),
    ]
    for call in calls:
        with pytest.raises(
            ConnectionError, match="certificate is not trusted.*give tls_ca_file the file"
        ) as c:
            call()
        assert not isinstance(c.value, ssl.SSLError)
    until(lambda: len(fs.pool._slots) == 0)  # what was dropped is aborted once more
    assert filesystem_on(server, tls_verify=False).inspect("/").type == "directory"


def test_no_password_is_told_to_who_is_not_trusted(ftps_server: FTPServer) -> None:
    ftps_server.forget_commands()
    with pytest.raises(ConnectionError):
        filesystem_on(ftps_server, tls_ca_file=None).inspect("/")
    assert [command.name for command in ftps_server.commands()] == ["AUTH"]


def test_no_password_is_told_to_a_server_without_tls(ftp_server: FTPServer) -> None:
    ftp_server.forget_commands()
    for tls in (True, "explicit", "tls", "implicit"):
        said = "does not do TLS as it was asked to" if tls in (True, "explicit") else "speaks no TLS there"
        with pytest.raises(OSError, match=said):
            filesystem_on(ftp_server, tls=tls).inspect("/")
    said_to_it = {command.name for command in ftp_server.commands()}
    # A handshake with the ends of lines among its random bytes passes for commands.
    assert not said_to_it & {"USER", "PASS", "ACCT"}


def test_who_takes_the_answer_away_gets_no_password(ftps_server: FTPServer) -> None:
    with Relay(ftps_server) as relay:
        relay.when("AUTH", "answer", b"502 Command not implemented.", times=9)
        with pytest.raises(ConnectionError, match="does not do TLS as it was asked to"):
            filesystem_on(ftps_server, port=relay.port).listdir("/")
        assert relay.said == ["AUTH TLS"]


def test_a_server_that_insists_on_tls_is_told_by_its_address(servers: Callable[..., FTPServer]) -> None:
    fs = filesystem_on(servers("explicit"), tls=False)
    calls: list[Callable[[], Any]] = [
        lambda: fs.inspect("/"),
        lambda: save(fs, "/a", b"x"),
        lambda: fs.cat_file("/a"),
    ]
    for call in calls:
        with pytest.raises(
            ConnectionError, match="the server insists on TLS: begin the location with ftps://"
        ):
            call()


@pytest.mark.parametrize("tls", [None, "explicit"])
def test_a_server_that_does_not_begin_with_tls_is_told_by_its_greeting(
    servers: Callable[..., FTPServer], ftp_server: FTPServer, tls: str | None
) -> None:
    fs = filesystem_on(servers(tls) if tls else ftp_server, tls="implicit")
    calls: list[Callable[[], Any]] = [
        lambda: fs.inspect("/"),
        lambda: save(fs, "/a", b"x"),
        lambda: fs.cat_file("/a"),
    ]
    for call in calls:
        with pytest.raises(ConnectionError, match=r"leave out tls_implicit \(FTP_TLS_IMPLICIT\).*ftps://"):
            call()


@pytest.mark.parametrize("tls", [False, "explicit"])
def test_a_server_that_begins_with_tls_never_greets_who_does_not(
    servers: Callable[..., FTPServer], tls: Any
) -> None:
    fs = filesystem_on(servers("implicit"), tls=tls, connect_timeout=4.0)
    with pytest.raises(TimeoutError, match=r"does not greet us.*set tls_implicit \(FTP_TLS_IMPLICIT\)"):
        fs.inspect("/")


@pytest.mark.parametrize("command", ["AUTH", "USER"])
def test_a_silence_after_the_greeting_is_no_lack_of_tls(
    servers: Callable[..., FTPServer], command: str
) -> None:
    server = servers("explicit")
    with Relay(server) as relay:
        relay.when(command, "hush")
        fs = filesystem_on(server, port=relay.port, tls=command == "AUTH", connect_timeout=4.0)
        with pytest.raises(TimeoutError) as caught:
            fs.inspect("/")
        assert "tls_implicit" not in str(caught.value)


def test_a_silence_within_tls_is_no_lack_of_it(servers: Callable[..., FTPServer]) -> None:
    home = servers("implicit").ca_file.parent
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "server.pem", home / "server-key.pem")

    def shake_hands(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with context.wrap_socket(accepted, server_side=True) as connection, suppress(OSError):
            connection.recv(1)

    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=shake_hands, args=(listening,))
        thread.start()
        port = listening.getsockname()[1]
        with pytest.raises(TimeoutError) as caught:
            filesystem_on(servers("implicit"), port=port, connect_timeout=4.0).inspect("/")
        thread.join()
    assert "tls_implicit" not in str(caught.value)


# What goes in the clear


def test_data_is_protected(ftps_server: FTPServer, tmp_path: Path) -> None:
    ftps_server.make_folder(tmp_path.name)
    with Relay(ftps_server) as relay:
        fs = filesystem_on(ftps_server, port=relay.port)
        ftps_server.forget_commands()
        save(fs, f"/{tmp_path.name}/a", CONTENT)
        assert fs.cat_file(f"/{tmp_path.name}/a") == CONTENT
        assert relay.said == ["AUTH TLS"], "nothing else could be read on the way"
    names = [command.name for command in ftps_server.commands()]
    assert names[: names.index("TYPE")] == ["AUTH", "USER", "PASS", "PBSZ", "PROT"]


@VERSIONS
@BOTH
def test_data_has_the_session_of_its_control_connection(tls: Any, version: ssl.TLSVersion) -> None:
    with FTPServer(tls=tls, session_reuse=True) as server:
        fs = filesystem_on(server, max_connections=3)
        context = fs.pool._server.context
        assert context is not None
        context.minimum_version = context.maximum_version = version

        def work(number: int) -> bool:
            for turn in range(3):
                content = CONTENT[: number * 300_000]
                save(fs, f"/{number}/{turn}", content)
                assert fs.cat_file(f"/{number}/{turn}") == content
                assert listed(fs, f"/{number}")[str(turn)] == ("file", len(content))
            return True

        assert at_once(6, work) == [True] * 6
        connection = fs.pool.acquire()
        assert connection.sock.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        fs.pool.release(connection)


# How a transfer ends


@BOTH
@VERSIONS
def test_large_files_arrive_whole(
    servers: Callable[..., FTPServer], tls: str, version: ssl.TLSVersion
) -> None:
    server = servers(tls)
    fs = filesystem_on(server)
    assert fs.pool._server.context is not None
    fs.pool._server.context.maximum_version = version
    save(fs, "/a", CONTENT)
    assert (server.root / "a").read_bytes() == CONTENT
    save(fs, "/b", CONTENT[: 3 * MEGABYTE + 7], exclusive=True)
    assert (server.root / "b").read_bytes() == CONTENT[: 3 * MEGABYTE + 7]
    assert fs.cat_file("/a") == CONTENT
    with fs.open("/a") as file:
        assert b"".join(iter(lambda: file.read(64 * 1024), b"")) == CONTENT
    fs.remove("/a")
    fs.remove("/b")
    assert fs.pool.logins == 1


@pytest.mark.parametrize("there", ["all", "less"])
def test_an_upload_whose_end_is_not_confirmed_by_tls_is_measured(
    servers: Callable[..., FTPServer], monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    server = servers("explicit")
    fs = filesystem_on(server)
    unwrap = ssl.SSLSocket.unwrap

    def badly(self: ssl.SSLSocket) -> Any:
        unwrap(self).close()
        if there == "less":
            for path in server.root.glob(".*.uploading"):
                path.write_bytes(b"less")
        raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")

    monkeypatch.setattr(ssl.SSLSocket, "unwrap", badly)
    if there == "all":
        save(fs, "/c", CONTENT[:MEGABYTE])
        assert files_in(server.root) == {"c": CONTENT[:MEGABYTE]}
        fs.remove("/c")
    else:
        with pytest.raises(OSError, match=f"the server has stored 4 bytes of {MEGABYTE}"):
            save(fs, "/c", CONTENT[:MEGABYTE])
        assert files_in(server.root) == {}


def test_login_and_password_may_hold_any_sign(servers: Callable[..., FTPServer]) -> None:
    assert set(":@/#%") <= set(USER + PASSWORD)
    assert filesystem_on(servers("implicit")).inspect("/").type == "directory"
