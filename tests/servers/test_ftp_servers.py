"""The FTP servers themselves: one that lets anything pass would show nothing."""

from __future__ import annotations

import ftplib
import socket
import ssl
from contextlib import closing

import pytest

from tests.servers.ftp import PASSWORD, USER, Command, FTPServer
from tests.servers.ftp_client import connected, logged_in, read, refusal, rest_of, store
from tests.servers.ftp_distribution import ProftpdServer, VsftpdServer
from tests.servers.process import HOST
from tests.support.fixtures import each_of


def closing_clients(request, make):
    """Return what makes clients, of which each is closed at the end of the test."""

    def made(server, **options):
        client = make(server, **options)
        request.addfinalizer(client.close)
        return client

    return made


@pytest.fixture
def connect(request):
    """Make clients."""
    return closing_clients(request, connected)


@pytest.fixture
def login(request):
    """Make clients that have logged in."""
    return closing_clients(request, logged_in)


server = each_of("ftp_server", "ftps_server", "ftps_implicit_server", "ftp_list_server")


def test_it_knows_one_user(server, connect, login):
    assert refusal(connect(server).login, USER, PASSWORD[::-1]).startswith("530")
    assert refusal(connect(server).login, "nobody", PASSWORD).startswith("530")
    assert login(server).pwd() == "/"


def test_what_it_stores_is_in_its_folder_and_what_is_there_it_lists(server, login):
    client = login(server)
    content = bytes(range(256)) * 4096
    store(client, "näme", content)
    assert (server.root / "näme").read_bytes() == content
    assert read(client, "RETR näme") == content
    (server.root / ".hidden").touch()
    assert set(client.nlst()) >= {".hidden", "näme"}
    assert b" .hidden\r\n" in read(client, "LIST")


def test_nothing_leads_out_of_its_folder(server, login, tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    (server.root / "out").unlink(missing_ok=True)
    (server.root / "out").symlink_to(tmp_path)
    client = login(server)
    assert refusal(client.retrbinary, f"RETR ../../../../../..{tmp_path}/secret", print).startswith("550")
    assert refusal(client.retrbinary, "RETR out/secret", print).startswith("550")


def test_it_knows_mlsd_and_mlst(ftp_server, login):
    client = login(ftp_server)
    store(client, ".a", b"12345")
    facts = dict(client.mlsd())[".a"]
    assert (facts["type"], facts["size"]) == ("file", "5")
    assert "size=5;" in client.sendcmd("MLST .a")
    assert " MLST " in client.sendcmd("FEAT")


def test_one_that_does_not_know_them_never_heard_of_them(ftp_list_server, login):
    client = login(ftp_list_server)
    assert refusal(list, client.mlsd()).startswith("500")
    assert refusal(client.sendcmd, "MLST").startswith("500")
    features = client.sendcmd("FEAT")
    assert "MLS" not in features
    assert " SIZE" in features


def test_explicit_tls_is_required_before_a_name_and_a_password(ftps_server, connect):
    client = connect(ftps_server, tls=None)
    assert refusal(client.sendcmd, f"USER {USER}").startswith("550")
    assert refusal(client.sendcmd, f"PASS {PASSWORD}").startswith("550")


def test_implicit_tls_says_nothing_in_the_clear(ftps_implicit_server):
    with socket.create_connection((HOST, ftps_implicit_server.port), 120) as connection:
        connection.sendall(b"USER keeper\r\n")
        assert b"220" not in rest_of(connection), "it hangs up, for that is no handshake"


@pytest.mark.parametrize("name", ["ftps_server", "ftps_implicit_server"])
def test_data_is_required_to_be_protected(request, name, connect, login):
    server = request.getfixturevalue(name)
    (server.root / "a").write_bytes(b"in confidence")
    client = connect(server)
    client.login(USER, PASSWORD)
    assert refusal(client.sendcmd, "PASV").startswith("550")
    client.prot_p()
    connection, _ = ftplib.FTP.ntransfercmd(client, "RETR a")  # what does not wrap the connection
    with connection:
        connection.sendall(b"no handshake\r\n")
        assert b"confidence" not in rest_of(connection)
    assert refusal(client.voidresp).startswith("522")
    assert read(login(server), "RETR a") == b"in confidence"


@pytest.mark.parametrize("name", ["ftps_server", "ftps_implicit_server"])
def test_its_certificate_is_one_of_its_own_ca(request, name, connect):
    server = request.getfixturevalue(name)
    with pytest.raises(ssl.SSLCertVerificationError, match="local issuer"):
        connect(server, context=ssl.create_default_context()).auth()
    strict = ssl.create_default_context(cafile=server.ca_file)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    connect(server, context=strict).login(USER, PASSWORD)


def test_a_certificate_may_be_for_another_name(connect):
    with FTPServer(tls="explicit", names=["elsewhere.example"]) as server:
        client = connect(server)
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            client.auth()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_data_connections_may_have_to_resume_the_session_of_their_own(version, login):
    with FTPServer(tls="explicit", session_reuse=True) as server:
        (server.root / "a").write_bytes(b"in confidence")
        context = ssl.create_default_context(cafile=server.ca_file)
        context.maximum_version = version
        client, other = (login(server, context=context, resume=True) for _ in range(2))
        assert read(client, "RETR a") == b"in confidence"
        store(client, "b", b"x")

        for session in (None, other.sock.session):
            raw, _ = ftplib.FTP.ntransfercmd(client, "RETR a")
            connection = context.wrap_socket(raw, server_hostname=HOST, session=session)
            with closing(connection):
                assert not connection.session_reused
                assert rest_of(connection) == b""
            assert refusal(client.voidresp).startswith("522")
        assert read(client, "RETR a") == b"in confidence"


@pytest.mark.parametrize("tls", [None, "explicit"])
def test_a_full_disk_takes_no_more(tls, login):
    with FTPServer(tls=tls, quota=1000) as server:
        client = login(server)
        store(client, "a", b"x" * 900)
        assert refusal(store, client, "b", b"x" * 101).startswith("552")
        assert (server.root / "b").stat().st_size == 100, "as far as there was room"
        client.delete("a")
        store(client, "c", b"x" * 900)


def test_what_is_sent_to_a_full_disk_is_not_read_to_its_end(login):
    with FTPServer(quota=1000) as server:
        client = login(server)
        connection, _ = client.ntransfercmd("STOR a")
        with connection, pytest.raises(ConnectionError):
            while True:
                connection.sendall(b"x" * 2**16)
        assert refusal(client.voidresp).startswith("552")


def test_commands_are_written_down_without_passwords(ftp_server, login):
    first = login(ftp_server)
    ftp_server.forget_commands()
    second = login(ftp_server)
    store(first, "näme", b"x")
    said = ftp_server.commands()
    number = said[0].connection
    assert said[:4] == [
        Command(number, "USER", USER),
        Command(number, "PASS", "***"),
        Command(number, "CWD", "/"),
        Command(number, "TYPE", "I"),
    ]
    assert [tuple(command)[1:] for command in said[4:]] == [
        ("TYPE", "I"),
        ("PASV", ""),
        ("STOR", "näme"),
    ]
    assert {command.connection for command in said[4:]}.isdisjoint({number})
    assert (ftp_server.connections(), ftp_server.data_connections()) == (1, 1)
    assert (ftp_server.connections(), ftp_server.data_connections()) == (0, 0)

    assert ftp_server.commands() == []
    second.voidcmd("NOOP")
    assert ftp_server.commands() == [Command(number, "NOOP", "")]
    second.voidcmd("NOOP")
    ftp_server.forget_commands()
    assert ftp_server.commands() == []


@pytest.mark.parametrize("tls", [None, "explicit", "implicit"])
def test_who_says_nothing_for_long_is_dropped(tls, login):
    with FTPServer(tls=tls, idle=3) as server:
        client = login_in_time(login, server)
        assert client.getline().startswith("421")
        with pytest.raises(EOFError):
            client.getline()
        login_in_time(login, server)


def login_in_time(login, server):
    """Log in and ask for something, however often the machine stalls for longer than the server waits."""
    for attempt in range(10):
        try:
            client = login(server)
            client.voidcmd("NOOP")
        except (ftplib.Error, EOFError, OSError):
            if attempt == 9:
                raise
        else:
            return client
    raise AssertionError


@pytest.mark.parametrize("tls", [None, "explicit", "implicit"])
def test_a_full_server_says_so(tls, login, connect):
    with FTPServer(tls=tls, max_connections_per_ip=2) as server:
        first, second = login(server), login(server)
        assert refusal(connect, server).startswith("421")
        first.quit()
        assert login(server).pwd() == second.pwd() == "/"


def test_names_may_be_in_another_encoding(login):
    with FTPServer(encoding="latin-1") as server:
        client = login(server, encoding="latin-1")
        store(client, "é", b"x")
        assert [path.name for path in server.root.iterdir()] == ["é"]
        assert read(client, "NLST") == b"\xe9\r\n"
        assert "UTF8" not in client.sendcmd("FEAT")


def test_options_name_it_all(ftp_server, ftps_implicit_server):
    assert ftp_server.options(timeout=3) == {
        "host": HOST,
        "port": ftp_server.port,
        "username": USER,
        "password": PASSWORD,
        "timeout": 3,
    }
    secured = ftps_implicit_server.options()
    assert (secured["tls"], secured["tls_ca_file"]) == ("implicit", str(ftps_implicit_server.ca_file))


@pytest.fixture(params=[VsftpdServer, ProftpdServer])
def kind(request):
    if not request.param.installed():
        pytest.skip(f"{request.param.program} is not installed, or this is not root")
    return request.param


def test_those_of_distributions_serve_their_folder_alone(kind, connect, login, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "secret").write_bytes(b"x")
    with kind() as server:
        assert refusal(connect(server).login, server.user, PASSWORD[::-1]).startswith("530")
        client = login(server)
        store(client, "näme", b"x" * 2**20)
        assert (server.root / "näme").read_bytes() == b"x" * 2**20
        assert (server.root / "näme").stat().st_uid == server.root.stat().st_uid != 0
        assert read(client, "RETR näme") == b"x" * 2**20
        assert refusal(client.retrbinary, f"RETR ../../../../../..{tmp_path}/secret", print).startswith("550")
        if kind is VsftpdServer:
            assert refusal(list, client.mlsd()).startswith("500")
        else:
            assert {name for name, _ in client.mlsd()} == {".", "..", "näme"}


def test_their_user_changes_what_it_was_given(kind, login):
    with kind() as server:
        (server.root / "a").write_bytes(b"old")
        client = login(server)
        assert refusal(store, client, "a", b"new")[:3] in {"550", "553"}
        server.adopt()
        store(client, "a", b"new")
        assert (server.root / "a").read_bytes() == b"new"


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
@pytest.mark.parametrize("session_reuse", [False, True])
def test_they_know_tls_and_may_insist_on_its_session(kind, tls, session_reuse, login, connect):
    if kind is ProftpdServer and not kind.secured():
        pytest.skip("mod_tls is not installed")
    with kind(tls=tls, session_reuse=session_reuse) as server:
        if tls == "explicit":
            clear = connect(server, tls=None)
            assert refusal(clear.login, server.user, PASSWORD)[:3] in {"530", "550"}
        store(login(server, resume=True), "a", b"in confidence")
        other = login(server)
        if session_reuse:
            assert refusal(read, other, "RETR a")[:3] in {"425", "522"}
        else:
            assert read(other, "RETR a") == b"in confidence"


def test_their_sessions_end_with_them(kind, login):
    server = kind()
    with server:
        client = login(server)
    with pytest.raises((EOFError, ConnectionError)):
        client.voidcmd("NOOP")
    assert not server.root.exists()
