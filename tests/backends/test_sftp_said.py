"""What storage on SFTP says and never says: checks, errors, and no password in any of them."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_fsspec_storages.backends import _sftp_login
from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from tests.backends.sftp_support import KEY, PATH, on, said, save
from tests.servers.process import HOST
from tests.servers.sftp import SFTPServer
from tests.support.processes import python

SECRET = "a-5ecret-of-s0me-value"

pytestmark = pytest.mark.usefixtures("no_ssh_keys")


# Checks


def test_a_right_configuration_has_no_messages(sftp_server: SFTPServer) -> None:
    every = {
        **sftp_server.settings(key_filename=Path("/k"), compress=True, timeout=3),
        "root_path": "/srv/media/",
        "interactive": True,
        "auto_add_host_keys": True,
        "file_mode": 0o644,
        "dir_mode": 0o755,
        "uid": 0,
        "gid": 33,
        "storage_options": {"known_hosts": "/etc/ssh/ssh_known_hosts", "max_channels": 2},
    }
    for options in ({"host": HOST}, sftp_server.settings(), every):
        assert said(options) == {}


@pytest.mark.parametrize("way", ["OPTIONS", "attribute", "setting"])
def test_keys_that_nobody_verifies_are_warned_of(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = PATH
    options: dict[str, Any] = {"host": HOST}
    settings: dict[str, Any] = {}
    if way == "OPTIONS":
        options["storage_options"] = {"known_hosts": None}
    elif way == "attribute":
        path = f"{__name__}.Trusting"
    else:
        settings["FSSPEC_STORAGE_OPTIONS"] = {"known_hosts": None}
    with override_settings(**settings):
        ((number, message),) = said(options, path=path).items()
    assert number == "fsspec_storages.W014"
    assert message.startswith(
        "STORAGES['files']: storage_options have 'known_hosts': None, so the server's key is not"
    )
    assert "known_host_file" in message


class Trusting(SFTPStorage):
    """Verifies no key."""

    extra_options: Any = {"known_hosts": None}


class Computing(SFTPStorage):
    """Computes what it must not be asked for by a check."""

    @property
    def extra_options(self) -> Any:  # type: ignore[override]
        raise RuntimeError("the vault is sealed")

    params = extra_options


def test_what_is_computed_is_not_asked_for_by_a_check() -> None:
    assert said({"host": HOST}, path=f"{__name__}.Computing") == {}


LAZY = """
import sys, django
from django.conf import settings
settings.configure(STORAGES={"default": {"BACKEND": "%s", "OPTIONS": {"host": "h", "base_url": "/m/", "params": {"pkey": "PEM"}}}})
django.setup()
from django.core.files.storage import default_storage, storages
from django.db import models
from django_fsspec_storages.backends import sftpstorage
from django_fsspec_storages.checks import check_storages
storage = storages["default"]
assert storage.url("a.txt") == "/m/a.txt"
assert check_storages(None) == []
repr(storage), storage.deconstruct(), storage.close(), storage.storage_options
print(sorted({"asyncssh", "sshfs", "paramiko", "cryptography"} & set(sys.modules)))
"""


def test_neither_importing_nor_checking_nor_an_address_needs_an_sdk() -> None:
    ended = python(LAZY % PATH)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


# Errors


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"params": {"password": "hunter3"}}, PermissionError, "the server refuses the login: check the user's name"),
        ({"known_host_file": "/nowhere/known_hosts"}, ConnectionError, "nobody knows the server's host key"),
        ({"params": {"port": 1}}, ConnectionRefusedError, "Cannot reach the server"),
    ],
)  # fmt: skip
def test_an_error_names_the_alias_the_server_and_the_folder(
    sftp_server: SFTPServer, options: dict[str, Any], kind: type[OSError], message: str
) -> None:
    params = options.get("params", {})
    given = {**sftp_server.settings(**params), "root_path": "/srv", **options}
    given["params"] = {**sftp_server.settings()["params"], **params}
    port = given["params"]["port"]
    with override_settings(STORAGES={"media": {"BACKEND": PATH, "OPTIONS": given}}):
        with pytest.raises(kind) as caught:
            storages["media"].size("a.txt")
        assert f"SFTPStorage 'media' (sftp {HOST}:{port}, '/srv')" in str(caught.value)
        assert message in str(caught.value)


def test_a_key_file_that_is_missing_is_not_taken_for_a_missing_file(
    sftp_server: SFTPServer, tmp_path: Path
) -> None:
    storage = on(sftp_server, params={**KEY, "key_filename": tmp_path / "no-key"})
    for call in (storage.exists, storage.delete, storage.size, lambda name: save(storage, name)):
        with pytest.raises(PermissionError, match="the login needs the file .*no-key', which cannot be read"):
            call("a.txt")


# Secrets


def with_a_key_that_cannot_be_written(server: SFTPServer, used_before: bool) -> Any:
    """Use a storage whose key paramiko cannot write; it may have been used with another before."""
    storage = on(server)
    if used_before:
        storage.exists("a")
    key = paramiko.Ed25519Key.from_private_key_file(server.key())
    storage.params = {**server.settings()["params"], "pkey": key, "passphrase": SECRET}
    return storage.exists("a")


FAILING: dict[str, Callable[[SFTPServer, Path], Any]] = {
    "a wrong password": lambda server, here: on(server, params={"password": SECRET}).exists("a"),
    "a wrong password, writing": lambda server, here: save(on(server, params={"password": SECRET})),
    "a wrong password, on a loop": lambda server, here: asyncio.run(
        on(server, params={"password": SECRET}).aexists("a")
    ),
    "a wrong password, with a key": lambda server, here: on(
        server, params={"password": SECRET, "key_filename": server.key("id_locked")}
    ).exists("a"),
    "a wrong password, by paramiko": lambda server, here: on(server, params={"password": SECRET}).sftp,
    "a wrong passphrase": lambda server, here: on(
        server, params={**KEY, "key_filename": server.key("id_locked"), "passphrase": SECRET}
    ).exists("a"),
    "a wrong passphrase, by paramiko": lambda server, here: (
        on(server, params={**KEY, "key_filename": server.key("id_locked"), "passphrase": SECRET}).sftp
    ),
    "a key that is none": lambda server, here: on(server, params={**KEY, "pkey": SECRET}).exists("a"),
    "a key that cannot be written": lambda server, here: with_a_key_that_cannot_be_written(server, False),
    "another key that cannot be written": lambda server, here: with_a_key_that_cannot_be_written(
        server, True
    ),
    "no key": lambda server, here: on(
        server, params={"key_filename": here / "none", "passphrase": SECRET}
    ).size("a"),
    "an unknown host": lambda server, here: on(
        server, params={"password": SECRET}, known_host_file=here / "none"
    ).exists("a"),
    "an unknown host, by paramiko": lambda server, here: (
        on(server, params={"password": SECRET}, known_host_file=here / "none").sftp
    ),
    "nobody there": lambda server, here: on(server, params={"password": SECRET, "port": 1}).exists("a"),
    "nobody there, by paramiko": lambda server, here: on(server, params={"password": SECRET, "port": 1}).sftp,
    "typed": lambda server, here: on(server, params=KEY, interactive=True).exists("a"),
    "typed, by paramiko": lambda server, here: on(server, params=KEY, interactive=True).sftp,
    "a wrong name": lambda server, here: SFTPStorage(host=HOST, params={"pasword": SECRET}),
    "no counterpart": lambda server, here: SFTPStorage(
        host=HOST, params={"password": SECRET, "sock": SECRET}
    ),
    "params that are none": lambda server, here: SFTPStorage(host=HOST, params=SECRET),
    "no such option": lambda server, here: SFTPStorage(host=HOST, pasword=SECRET),
    "no such option of asyncssh's": lambda server, here: on(
        server, storage_options={"pasword": SECRET}
    ).exists("a"),
}


@pytest.fixture
def mistyped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who types what is wrong."""
    monkeypatch.setattr(_sftp_login, "somebody_is_there", lambda: True)
    monkeypatch.setattr(_sftp_login, "ask", lambda user, host: SECRET)


@pytest.mark.usefixtures("mistyped")
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("what", FAILING)
def test_neither_errors_nor_debug_pages_nor_logs_show_a_password(
    what: str, debug: bool, sftp_server: SFTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        FAILING[what](sftp_server, tmp_path)
    except Exception:
        info = sys.exc_info()
    else:
        pytest.fail("it did not fail")
    with override_settings(DEBUG=debug):
        reporter = ExceptionReporter(None, *info)
        shown = {
            "error": "".join(traceback.format_exception(*info)) + repr(info[1]),
            "page": reporter.get_traceback_html() + reporter.get_traceback_text(),
            "log": caplog.text + "".join(str(record.args) for record in caplog.records),
        }
    assert [place for place, text in shown.items() if SECRET in text] == []


def test_nothing_that_works_shows_it(sftp_server: SFTPServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    storage = on(sftp_server)
    password = storage.params["password"]
    save(storage, "said.txt")
    with storage.open("said.txt") as file:
        file.read()
        shown = [repr(each) for each in (storage, file, storage.fs, storage.fs.session, storage.alias)]
    storage.delete("said.txt")
    storage.close()
    assert "django_fsspec_storages" in caplog.text
    assert password not in caplog.text + "".join(shown) + storage.where()


def test_no_migration_shows_it(sftp_server: SFTPServer) -> None:
    storage = on(sftp_server, params={"password": SECRET}, root_path="/srv")
    written = MigrationWriter.serialize(models.FileField(storage=storage))[0]
    assert "root_path='/srv'" in written
    assert "params" not in written
    with override_settings(STORAGES={"media": {"BACKEND": PATH, "OPTIONS": storage.given[1]}}):
        written = MigrationWriter.serialize(models.FileField(storage=storages["media"]))[0]
    assert "stored('media')" in written
    assert SECRET not in written


def test_pickled_and_copied_storages_work(sftp_server: SFTPServer) -> None:
    storage = on(sftp_server, root_path="/pickled")
    save(storage)
    _ = storage.sftp
    for twin in (pickle.loads(pickle.dumps(storage)), copy.copy(storage), copy.deepcopy(storage)):
        assert twin == storage
        assert twin.open("a.txt").read() == b"content"
        with twin:
            assert twin.sftp.listdir("/pickled") == ["a.txt"]
        assert storage.sftp.get_channel().get_transport().is_active(), "it was closed with its twin"
    storage.close()


def test_an_alias_is_pickled_by_its_name(sftp_server: SFTPServer) -> None:
    with override_settings(STORAGES={"media": {"BACKEND": PATH, "OPTIONS": sftp_server.settings()}}):
        storage: Any = storages["media"]
        assert storage.exists("")
        data = pickle.dumps(storage)
        assert storage.params["password"].encode() not in data
        assert pickle.loads(data).exists("")


def test_an_option_that_asyncssh_does_not_take_is_a_wrong_configuration(sftp_server: SFTPServer) -> None:
    storage = on(sftp_server, storage_options={"kex_algs": ["nonsense"]})
    with pytest.raises(
        ImproperlyConfigured, match=r"^SFTPStorage \(sftp .*asyncssh does not take this kex_algs: "
    ):
        storage.exists("a")
