"""FTP's refusals: what they are called, what is said to set, and that no secret is."""

from __future__ import annotations

import errno
import ftplib
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.errors import Explained
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from django_fsspec_storages.filesystems.ftp_errors import explain, is_lost, is_refusal
from tests.servers.ftp import PASSWORD, FTPServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, files_in, filesystem_on, listed, save
from tests.servers.ftp_relay import Relay
from tests.servers.process import HOST

CONTENT = content_of(4)
WRONG = "hunter3-and-more"

REFUSED: dict[str, tuple[dict[str, Any], type[OSError], str]] = {
    "password": ({"password": WRONG}, PermissionError, "the server refuses the login: check the user's name"),
    "user": ({"username": "nobody"}, PermissionError, "the server refuses the login"),
    "anonymous": ({"username": None, "password": None}, PermissionError, "the server refuses the login"),
    "host": ({"host": "no-such-host.invalid"}, ConnectionError, "Cannot reach the server in FTP at no-such"),
    "port": ({"port": 1}, ConnectionRefusedError, "Cannot reach the server|Connection refused"),
}


def shown(error: BaseException | None) -> str:
    """Return what a debug page shows of an error, and of those that it came from: all variables but this module's."""
    text = ""
    while error is not None:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        values = [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename != __file__]
        text += f"{error} {error!r} {values} "
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize("name", ["ftp_server", "ftps_server", "ftps_implicit_server"])
@pytest.mark.parametrize("what", REFUSED)
def test_who_may_not_log_in_is_told_why_and_no_secret(
    request: pytest.FixtureRequest, name: str, what: str
) -> None:
    options, kind, said = REFUSED[what]
    fs = filesystem_on(request.getfixturevalue(name), **options)
    for call in (fs.inspect, fs.cat_file, fs.remove, lambda path: save(fs, path, b"x")):
        with pytest.raises(kind, match=said) as caught:
            call("/a")
        text = shown(caught.value) + repr(fs) + repr(fs.pool) + fs.describe()
        assert [secret for secret in (PASSWORD, WRONG) if secret in text] == []
    assert len(fs.pool._slots) == 0


def test_a_host_that_is_no_ftp_server_is_said_so(ftp_server: FTPServer) -> None:
    with Relay(ftp_server) as relay:
        relay.when("USER", "answer", b"HTTP/1.1 400 Bad Request")
        fs = filesystem_on(ftp_server, port=relay.port)
        with pytest.raises(OSError, match="FTP at 127.0.0.1"):
            fs.inspect("/")


def test_an_anonymous_user_may_be_one(ftp_server: FTPServer) -> None:
    with Relay(ftp_server) as relay:
        fs = FTPFileSystem(HOST, relay.port, skip_instance_cache=True)
        with pytest.raises(PermissionError):
            fs.inspect("/")
        assert relay.said[:2] == ["USER anonymous", "PASS anonymous@"]


def test_an_account_is_told_to_a_server_that_wants_one(ftp_server: FTPServer) -> None:
    with Relay(ftp_server) as relay:
        relay.when("PASS", "answer", b"332 Need account for login.")
        relay.when("ACCT", "answer", b"530 No.")
        fs = filesystem_on(ftp_server, port=relay.port, acct="of the company")
        with pytest.raises(PermissionError) as caught:
            fs.inspect("/")
        assert relay.said[-1] == "ACCT of the company"
        assert "of the company" not in shown(caught.value)


@pytest.mark.parametrize("encoding", [None, "utf-8", "cp1252"])
@pytest.mark.parametrize("password", ["pass-€uro", "pässword"])
def test_a_login_may_have_any_character_of_its_encoding(password: str, encoding: str | None) -> None:
    with FTPServer(password=password, encoding=encoding or "utf-8") as server:
        assert filesystem_on(server, encoding=encoding).inspect("/").type == "directory"


def test_a_login_that_cannot_be_encoded_is_an_error_without_it(ftp_server: FTPServer) -> None:
    fs = filesystem_on(ftp_server, password="pass-€uro", encoding="latin-1")
    with pytest.raises(PermissionError, match="the login has characters that latin-1 lacks") as caught:
        fs.inspect("/")
    assert "€" not in shown(caught.value)


@pytest.mark.parametrize("option", ["username", "password", "acct"])
@pytest.mark.parametrize("end", ["\r", "\n"])
def test_a_login_that_no_command_can_hold_is_an_error_without_it(
    ftp_server: FTPServer, option: str, end: str
) -> None:
    fs = filesystem_on(ftp_server, **{option: f"{WRONG}{end}DELE a"})
    with pytest.raises(PermissionError, match="has the end of a line in it") as caught:
        fs.inspect("/")
    assert WRONG not in shown(caught.value)


def test_an_encoding_that_is_none_for_names_is_refused() -> None:
    with pytest.raises(ValueError, match="the encoding 'utf-16' is no encoding that names"):
        FTPFileSystem(HOST, encoding="utf-16", skip_instance_cache=True)


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", ".ÿô./secret"), ("cp1251", "я")])
def test_no_name_is_taken_for_a_command(ftp_server: FTPServer, encoding: str, name: str) -> None:
    with Relay(ftp_server) as relay:
        fs = filesystem_on(ftp_server, port=relay.port, encoding=encoding)
        for call in (fs.inspect, fs.cat_file, fs.remove, lambda path: save(fs, path, b"x")):
            with pytest.raises(OSError, match="a byte that FTP takes for a command; use UTF-8"):
                call(f"/{name}/a")
        assert [line for line in relay.said if "/" in line and not line.startswith("PASS")] == []
        assert fs.pool.logins == 1


def test_who_is_not_let_back_asks_on_another_connection(ftp_list_server: FTPServer, tmp_path: Path) -> None:
    ftp_list_server.make_folder(tmp_path.name)
    with Relay(ftp_list_server) as relay:
        fs = filesystem_on(ftp_list_server, port=relay.port)
        for call in (fs.inspect, lambda path: listed(fs, path)):
            fs.logout()
            relay.when(f"CWD /{tmp_path.name}")
            relay.when("CWD /", "answer", b"550 Not now.")
            with pytest.raises(ConnectionError, match="does not let us back"):
                call(f"/{tmp_path.name}")
            assert not fs.pool._idle
            assert call(f"/{tmp_path.name}") is not None


# A full disk


@pytest.mark.parametrize("tls", [None, "explicit"])
@pytest.mark.parametrize("exclusive", [False, True])
def test_a_full_disk_is_an_error_that_leaves_nothing_behind(tls: Any, exclusive: bool) -> None:
    with FTPServer(tls=tls, quota=MEGABYTE) as server:
        fs = filesystem_on(server, max_connections=1)
        save(fs, "/old", b"old")
        for size in (MEGABYTE - 2, 2 * MEGABYTE, 4 * MEGABYTE):
            with pytest.raises(OSError, match="is full") as caught:
                save(fs, "/new", CONTENT[:size], exclusive)
            assert not isinstance(caught.value, ConnectionError)
            assert files_in(server.root) == {"old": b"old"}
        with pytest.raises(OSError, match="is full"):
            save(fs, "/old", CONTENT)
        assert files_in(server.root) == {"old": b"old"}
        save(fs, "/new", CONTENT[: MEGABYTE - 3], exclusive)
        assert files_in(server.root) == {"old": b"old", "new": CONTENT[: MEGABYTE - 3]}
        assert fs.pool.logins == 1, "the server goes on answering"


# Not allowed


@pytest.mark.parametrize("mlst", [True, False], ids=["facts", "list"])
def test_a_user_who_may_only_read_is_told_so(mlst: bool) -> None:
    with FTPServer(permissions="elr", mlst=mlst) as server:
        (server.root / "folder").mkdir()
        (server.root / "a").write_bytes(b"content")
        fs = filesystem_on(server, max_connections=1)
        calls: list[Callable[[], Any]] = [
            lambda: save(fs, "/a", b"x"),
            lambda: save(fs, "/b", b"x", exclusive=True),
            lambda: save(fs, "/new/b", b"x"),
            lambda: fs.remove("/a"),
            lambda: fs.rmdir("/folder"),
            lambda: fs.mkdir("/new"),
            lambda: fs.makedirs("/new/er"),
            lambda: fs.mv("/a", "/b"),
        ]
        for call in calls:
            with pytest.raises(PermissionError):
                call()
        assert fs.cat_file("/a") == b"content"
        assert {name: kind for name, (kind, _) in listed(fs, "/").items()} == {
            "a": "file",
            "folder": "directory",
        }
        assert files_in(server.root) == {"a": b"content"}
        assert fs.pool.logins == 1


@pytest.mark.parametrize("mlst", [True, False], ids=["facts", "list"])
def test_a_user_who_may_not_list_is_told_so(mlst: bool) -> None:
    with FTPServer(permissions="er", mlst=mlst) as server, pytest.raises(PermissionError):
        listed(filesystem_on(server), "/")


# Names


def test_a_name_that_cannot_be_written_is_an_error_of_the_encoding() -> None:
    with FTPServer(encoding="latin-1") as server:
        (server.root / "a").touch()
        cannot_be_written(filesystem_on(server), "/日本")
        cannot_be_written(filesystem_on(server, encoding="ascii"), "/é")
        assert files_in(server.root) == {"a": b""}


def cannot_be_written(fs: FTPFileSystem, name: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: fs.inspect(name),
        lambda: fs.cat_file(name),
        lambda: save(fs, name, b"x"),
        lambda: save(fs, name, b"x", exclusive=True),
        lambda: save(fs, f"{name}/a", b"x"),
        lambda: fs.remove(name),
        lambda: fs.mkdir(name),
        lambda: fs.mv("/a", name),
        lambda: listed(fs, name),
    ]
    kept = []
    for call in calls:
        with pytest.raises(OSError, match="names are (latin-1|ascii) there.*see encoding") as caught:
            call()
        kept.append(caught.value)
        assert len(fs.pool._slots) == len(fs.pool._idle), "none is lost to who keeps the error"
    assert fs.pool.logins == 1


@pytest.mark.parametrize("mlst", [True, False], ids=["facts", "list"])
def test_a_server_without_utf8_has_latin_1(mlst: bool) -> None:
    with FTPServer(encoding="latin-1", mlst=mlst) as server:
        fs = filesystem_on(server)
        save(fs, "/é ß/ü", b"x")
        assert files_in(server.root) == {"é ß/ü": b"x"}
        assert listed(fs, "/é ß") == {"ü": ("file", 1)}
        assert fs.cat_file("/é ß/ü") == b"x"
        utf8 = filesystem_on(server, encoding="utf-8")
        with pytest.raises(OSError, match="a name that is no utf-8.*see encoding"):
            listed(utf8, "/")
        with pytest.raises(FileNotFoundError):
            utf8.inspect("/é ß/ü")
        assert (utf8.pool.logins, len(utf8.pool._idle)) == (1, 1)


def test_a_name_that_no_command_can_hold_is_refused(ftp_server: FTPServer) -> None:
    fs = filesystem_on(ftp_server, max_connections=1)
    for call in (fs.inspect, fs.cat_file, fs.remove, lambda path: save(fs, path, b"x")):
        with pytest.raises((OSError, ValueError)):
            call("/a\r\nDELE b")
    assert fs.inspect("/").type == "directory"


@pytest.mark.parametrize("name", ["ssl", "tls.pem", "no permission", "denied", "quota full", "550", "a", "."])
@pytest.mark.parametrize("form", ["{}: No such file or directory", "'{}' cannot be listed"])
def test_the_words_of_a_name_are_not_the_servers(ftp_server: FTPServer, name: str, form: str) -> None:
    with Relay(ftp_server) as relay:
        fs = filesystem_on(ftp_server, port=relay.port)
        for path, said in ((f"/x/{name}", f"/x/{name}"), (name, name), (name, f"./{name}")):
            relay.when("MLST", "answer", f"550 {form.format(said)}".encode())
            assert not fs.exists(path)
            relay.when("MLST", "answer", f"550 {said}: Permission denied".encode())
            with pytest.raises(PermissionError):
                fs.exists(path)


def test_a_path_that_makes_too_long_a_command_is_said_to_and_has_no_consequence(
    ftp_server: FTPServer, tmp_path: Path
) -> None:
    ftp_server.make_folder(tmp_path.name)
    fs = filesystem_on(ftp_server)
    save(fs, f"/{tmp_path.name}/a", b"x")
    path = f"/{tmp_path.name}" + 30 * f"/{99 * 'd'}"
    for call in (fs.inspect, fs.cat_file, fs.ls, fs.remove, lambda path: save(fs, path, b"x")):
        with pytest.raises(OSError, match="takes no command as long as one with this path") as caught:
            call(path)
        assert caught.value.errno == errno.ENAMETOOLONG
    ftp_server.forget_commands()
    assert fs.inspect(f"/{tmp_path.name}/a").type == "file"
    assert "MLST" in [command.name for command in ftp_server.commands()], "it is known as before"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a", "the server does not know the command: "),
        (4 * f"{99 * 'd'}/" + "a", "or takes none as long as one with this path: "),
    ],
)
def test_a_command_that_is_refused_may_have_been_too_long(
    ftp_server: FTPServer, tmp_path: Path, name: str, said: str
) -> None:
    path = f"/{tmp_path.name}/{name}"
    with Relay(ftp_server) as relay:
        fs = filesystem_on(ftp_server, port=relay.port)
        save(fs, path, b"x")
        relay.when("DELE", "answer", b"500 What?")
        with pytest.raises(OSError, match=said):
            fs.remove(path)


# What replies mean


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("421 Timeout.", ConnectionError),
        ("425 Can't open data connection.", ConnectionError),
        ("426 Connection closed; transfer aborted.", ConnectionResetError),
        ("450 File busy.", OSError),
        ("452 Insufficient storage space.", OSError),
        ("500 Unknown command.", OSError),
        ("522 SSL connection failed; session reuse required", ConnectionError),
        ("530 Please login with USER and PASS.", PermissionError),
        ("530 Non-anonymous sessions must use encryption. TLS", ConnectionError),
        ("550 a: Permission denied", PermissionError),
        ("550 Access is denied.", PermissionError),
        ("550 a: No such file or directory", FileNotFoundError),
        ("550 a: No space left on device", OSError),
        ("552 Quota exceeded.", OSError),
        ("553 Could not create file.", PermissionError),
    ],
)
def test_what_a_reply_means(reply: str, kind: type[OSError]) -> None:
    error = (ftplib.error_temp if reply < "5" else ftplib.error_perm)(reply)
    found = explain(error)
    assert (found.kind if isinstance(found, Explained) else found) is kind
    assert is_lost(error) is (reply[:3] in ("421", "426"))
    assert is_refusal(error) is not is_lost(error)


def test_errors_of_the_system_are_told_apart() -> None:
    assert explain(EOFError()) is ConnectionResetError
    assert explain(OSError(5, "x")) is None
    assert explain(KeyError()) is None
    assert is_lost(EOFError())
    assert not is_lost(TimeoutError())
    assert not is_lost(socket.gaierror(-2, "x"))
    assert not is_refusal(ConnectionResetError())
