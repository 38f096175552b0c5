"""``params``: paramiko's names, what asyncssh is given for them, and logins with each."""

from __future__ import annotations

import getpass
import inspect
import io
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_fsspec_storages.backends._sftp_params import asyncssh_options, unknown_parameter
from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from tests.backends.sftp_support import KEY, KeyServer, on, said, save
from tests.servers.process import HOST, PATIENCE
from tests.servers.sftp import PASSWORD, USER, SFTPServer

SECRET = "a-5ecret-of-s0me-value"


@pytest.fixture(autouse=True)
def home(no_ssh_keys: Path) -> Path:
    """Nobody has keys on this machine, nor an agent."""
    return no_ssh_keys


# What asyncssh is given

ZLIB = {"compression_algs": "zlib@openssh.com,zlib,none"}
GIVEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "port": ({"port": 2222}, {"port": 2222}),
    "username": ({"username": "u"}, {"username": "u"}),
    "password": ({"password": "p"}, {"password": "p"}),
    "timeout": ({"timeout": 3.5}, {"connect_timeout": 3.5}),
    "key_filename": ({"key_filename": "/k"}, {"client_keys": "/k"}),
    "key_filename, a path": ({"key_filename": Path("/k")}, {"client_keys": "/k"}),
    "key_filename, a list": ({"key_filename": [Path("/k"), "/l"]}, {"client_keys": ["/k", "/l"]}),
    "key_filename, a list of one": ({"key_filename": ["/k"]}, {"client_keys": "/k"}),
    "key_filename, an empty list": ({"key_filename": []}, {}),
    "passphrase": ({"key_filename": "/k", "passphrase": "s"}, {"client_keys": "/k", "passphrase": "s"}),
    "passphrase, beside a password": (
        {"key_filename": "/k", "passphrase": "s", "password": "p"},
        {"client_keys": "/k", "passphrase": "s", "password": "p"},
    ),
    "password, for a key too": (
        {"key_filename": "/k", "password": "p"},
        {"client_keys": "/k", "passphrase": "p", "password": "p"},
    ),
    "pkey, in PEM": ({"pkey": "PEM"}, {"client_keys": b"PEM"}),
    "pkey, as bytes": ({"pkey": b"PEM"}, {"client_keys": b"PEM"}),
    "pkey, and a file": ({"pkey": "PEM", "key_filename": "/k"}, {"client_keys": [b"PEM", "/k"]}),
    "allow_agent, no": ({"allow_agent": False}, {"agent_path": None}),
    "allow_agent, yes": ({"allow_agent": True}, {}),
    "look_for_keys, no": (
        {"look_for_keys": False, "password": "p"},
        {"password": "p", "client_keys": None},
    ),
    "look_for_keys, no, but the agent's": ({"look_for_keys": False}, {}),
    "look_for_keys, no, and no agent": (
        {"look_for_keys": False, "allow_agent": False},
        {"agent_path": None, "client_keys": None},
    ),
    "look_for_keys, no, and a key": (
        {"look_for_keys": False, "key_filename": "/k"},
        {"client_keys": "/k"},
    ),
    "look_for_keys, yes": ({"look_for_keys": True, "password": "p"}, {"password": "p"}),
    "compress, yes": ({"compress": True}, ZLIB),
    "compress, no": ({"compress": False}, {}),
    "auth_timeout": ({"auth_timeout": 4}, {"login_timeout": 4}),
    "banner_timeout": ({"banner_timeout": 5}, {"login_timeout": 5}),
    "both": ({"auth_timeout": 4, "banner_timeout": 5}, {"login_timeout": 9}),
    "gss_auth": ({"gss_auth": True}, {"gss_auth": True}),
    "gss_kex": ({"gss_kex": True}, {"gss_kex": True}),
    "gss_deleg_creds": ({"gss_deleg_creds": False}, {"gss_delegate_creds": False}),
    "gss_host": ({"gss_host": "h"}, {"gss_host": "h"}),
}

#: ``connect``'s parameters that have no counterpart.
NONE = {
    "hostname": "SFTP_STORAGE_HOST",
    "sock": "proxy_command or tunnel in storage_options",
    "channel_timeout": "read_timeout",
    "gss_trust_dns": "gss_host",
    "disabled_algorithms": "kex_algs",
    "transport_factory": "no transports",
    "auth_strategy": "preferred_auth",
}


@pytest.mark.parametrize("what", GIVEN)
def test_each_of_paramikos_names_is_one_of_asyncsshs(what: str) -> None:
    params, options = GIVEN[what]
    assert asyncssh_options(params) == options
    assert unknown_parameter(params) is None
    known = {
        *inspect.signature(asyncssh.connect).parameters,
        *inspect.signature(asyncssh.SSHClientConnectionOptions.prepare).parameters,
    }
    assert set(options) <= known


def test_none_is_as_if_it_were_not_there() -> None:
    every = {name for params, _ in GIVEN.values() for name in params}
    assert asyncssh_options(dict.fromkeys(every)) == {}
    assert unknown_parameter(dict.fromkeys(every | set(NONE))) is None


def test_an_empty_text_of_an_environment_is_as_if_it_were_not_there(
    sftp_server: SFTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {"port": "", "username": ""}
    assert asyncssh_options(empty) == {}
    assert said({**sftp_server.settings(), "params": {**empty, "password": "p"}}) == {}
    assert not {"port", "username"} & set(on(sftp_server, params=empty).filesystem_options())
    monkeypatch.setattr(getpass, "getuser", lambda: USER)
    with on(sftp_server, params={"username": ""}) as storage:
        save(storage, "empty/a", b"content")
        assert storage.sftp.listdir("empty") == ["a"]  # paramiko's


def test_no_name_of_paramikos_is_forgotten() -> None:
    names = {name for params, _ in GIVEN.values() for name in params} | set(NONE)
    today = set(inspect.signature(paramiko.SSHClient.connect).parameters) - {"self"}
    assert today <= names
    assert {
        name for name in names - today if not name.startswith("gss_")
    } == set()  # which paramiko 5 dropped


@pytest.mark.parametrize("name", [*NONE, "pasword", "client_keys"])
def test_a_name_without_counterpart_is_refused(name: str, sftp_server: SFTPServer) -> None:
    params = {**sftp_server.settings()["params"], name: SECRET}
    wrong = f"has {name!r}, which "
    options = {**sftp_server.settings(), "params": params}
    (message,) = said(options).items()
    assert message[0] == "fsspec_storages.E005"
    assert wrong in message[1]
    assert NONE.get(name, "storage_options") in message[1]
    with pytest.raises(ImproperlyConfigured, match=wrong) as constructing:
        SFTPStorage(**options)
    with (
        override_settings(SFTP_STORAGE_PARAMS=params),
        pytest.raises(ImproperlyConfigured, match=wrong) as used,
    ):
        SFTPStorage(host=HOST).exists("")
    for shown in (message[1], str(constructing.value), str(used.value)):
        assert SECRET not in shown
        assert PASSWORD not in shown


@pytest.mark.parametrize("params", ["keeper", [("username", "keeper")], 1])
def test_params_are_a_dict(params: Any) -> None:
    assert "is " in said({"host": "h", "params": params})["fsspec_storages.E005"]
    with override_settings(SFTP_STORAGE_PARAMS=params):
        assert "is " in said({"host": "h"})["fsspec_storages.E005"]


# Logins


def logs_in(server: SFTPServer, **params: Any) -> bool:
    storage = on(server, params={**KEY, **params})
    storage.fs.logout()  # another test may have logged in with the same options
    return bool(storage.exists(""))


def test_a_password(sftp_server: SFTPServer) -> None:
    assert logs_in(sftp_server, password=PASSWORD)
    with pytest.raises(PermissionError, match="the server refuses the login"):
        logs_in(sftp_server, password="hunter3")


def test_a_key_in_a_file(sftp_server: SFTPServer, tmp_path: Path) -> None:
    key = sftp_server.key()
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "other")
    for named in (key, Path(key), [key], [tmp_path / "other", Path(key)]):
        assert logs_in(sftp_server, key_filename=named)
    with pytest.raises(PermissionError, match="the server refuses the login"):
        logs_in(sftp_server, key_filename=tmp_path / "other")


def test_a_key_with_a_passphrase(sftp_server: SFTPServer) -> None:
    locked = sftp_server.key("id_locked")
    assert logs_in(sftp_server, key_filename=locked, passphrase="open sesame")
    assert logs_in(sftp_server, key_filename=locked, password="open sesame")  # as paramiko has it
    for wrong in ({}, {"passphrase": "close sesame"}, {"password": "close sesame"}):
        with pytest.raises(PermissionError, match="the private key cannot be read: check its file"):
            logs_in(sftp_server, key_filename=locked, **wrong)


def test_a_key_in_pem(sftp_server: SFTPServer) -> None:
    assert logs_in(sftp_server, pkey=Path(sftp_server.key()).read_text())
    assert logs_in(sftp_server, pkey=asyncssh.read_private_key(sftp_server.key()))


@pytest.mark.parametrize(
    ("kind", "cls"), [("ssh-rsa", paramiko.RSAKey), ("ecdsa-sha2-nistp256", paramiko.ECDSAKey)]
)
def test_a_key_of_paramikos(kind: str, cls: Any) -> None:
    with KeyServer(kind) as server:
        pem = asyncssh.read_private_key(server.key()).export_private_key("pkcs1-pem").decode()
        storage = on(server, params={**KEY, "pkey": cls.from_private_key(io.StringIO(pem))})
        assert save(storage) == "a.txt"
        assert storage.sftp.listdir("/") == ["a.txt"]
        storage.close()


def test_a_key_that_paramiko_cannot_write_is_named_by_its_file(sftp_server: SFTPServer) -> None:
    key = paramiko.Ed25519Key.from_private_key_file(sftp_server.key())
    params = {**KEY, "pkey": key}
    ((number, message),) = said({"host": HOST, "params": params}).items()
    assert number == "fsspec_storages.E005"
    assert "Ed25519Key is a key that paramiko cannot write" in message
    assert "key_filename" in message
    storage = on(sftp_server, params=params)
    with pytest.raises(
        ImproperlyConfigured, match="Ed25519Key is a key that paramiko cannot write.*key_filename"
    ):
        storage.exists("")


@pytest.mark.parametrize("kind", [paramiko.RSAKey, paramiko.ECDSAKey])
def test_a_key_that_paramiko_can_write_is_right(kind: Any) -> None:
    key = kind.generate() if kind is paramiko.ECDSAKey else kind.generate(2048)
    assert said({"host": HOST, "params": {"pkey": key}}) == {}


def test_a_key_of_no_kind_does_not_stop_the_check() -> None:
    assert said({"host": HOST, "params": {"pkey": ["PEM"]}}) == {}


def test_keys_that_lie_in_the_users_folder(sftp_server: SFTPServer, home: Path) -> None:
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_bytes(Path(sftp_server.key()).read_bytes())
    assert logs_in(sftp_server, look_for_keys=True)
    for password in (None, "hunter3"):
        with pytest.raises(PermissionError):
            logs_in(sftp_server, look_for_keys=False, password=password)


@pytest.mark.parametrize("allowed", [True, False])
def test_an_agent_is_asked_if_it_may_be(
    sftp_server: SFTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    address = f"/tmp/{tmp_path.name}-{sftp_server.port}"  # such a path has to be short
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(address)
        agent.listen()
        agent.settimeout(PATIENCE if allowed else 0.2)
        monkeypatch.setenv("SSH_AUTH_SOCK", address)
        try:
            with ThreadPoolExecutor(1) as thread:
                login = thread.submit(
                    logs_in, sftp_server, allow_agent=allowed, password=PASSWORD, look_for_keys=True
                )
                if allowed:
                    with agent.accept()[0] as asked:
                        asked.recv(64)
                        asked.sendall(b"\0\0\0\5\x0c\0\0\0\0")  # it has none
                        asked.recv(64)
                else:
                    with pytest.raises(TimeoutError):
                        agent.accept()
                assert login.result()
        finally:
            Path(address).unlink()


@pytest.mark.usefixtures("default_waits")
def test_compression_and_waits(sftp_server: SFTPServer) -> None:
    storage = on(
        sftp_server, params={"compress": True, "timeout": 11, "auth_timeout": 12, "banner_timeout": 13}
    )
    assert storage.exists("")
    connection = storage.fs.client
    assert connection.get_extra_info("send_compression") == "zlib@openssh.com"
    assert connection.get_extra_info("recv_compression") == "zlib@openssh.com"
    told = storage.fs.session._options
    assert (told["connect_timeout"], told["login_timeout"]) == (25, 25)
    for params, connect in (({"auth_timeout": 40}, 40), ({"auth_timeout": 4}, 30.0), ({"timeout": 3}, 3)):
        assert on(sftp_server, params=params).storage_options["connect_timeout"] == connect


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"port": 99999}, "99999"),
        ({"port": "ssh"}, "ssh"),
        ({"port": "99999"}, "99999"),
        ({"port": True}, "True"),
        ({"username": 7}, "'username' that is int"),
        ({"password": 123}, "'password' that is int"),
        ({"timeout": "five"}, "timeout"),
        ({"timeout": -1}, "-1"),
        ({"look_for_keys": "False"}, "look_for_keys"),
        ({"key_filename": 5}, "key_filename"),
        ({"key_filename": ["a", 5]}, "key_filename"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(params: dict[str, Any], words: str) -> None:
    fault = unknown_parameter(params)
    assert fault is not None
    assert words in fault
    with pytest.raises(ImproperlyConfigured, match="params"):
        SFTPStorage(host="h", params=params)


@pytest.mark.parametrize("host", ["h:2222", "h ", "user@h", "sftp://h"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="host"):
        SFTPStorage(host=host)
    assert SFTPStorage(host="2001:db8::1").host == "2001:db8::1"


def test_a_port_may_be_text_as_it_comes_from_the_environment(sftp_server: SFTPServer) -> None:
    settings = sftp_server.settings(port=str(sftp_server.port))
    storage = SFTPStorage(**settings)
    assert storage.exists("")
    assert storage.where().startswith(f"SFTPStorage (sftp {HOST}:{sftp_server.port}")
