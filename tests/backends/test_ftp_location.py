"""The URL of storage on FTP: what it says, what is wrong with it, and that nobody sees the password in it."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_fsspec_storages.backends._ftp_location import address_fault, address_of
from django_fsspec_storages.backends.ftp import FTPStorage, FTPStorageException
from tests.servers.ftp import PASSWORD, FTPServer
from tests.servers.process import HOST

SECRET = "a-5ecret-of-s0me-value"


@pytest.mark.parametrize(
    ("location", "host", "port", "username", "password", "path"),
    [
        # as django-storages' own tests and the manual of 1.7 write them
        ("ftp://foo:b@r@localhost:2121/", "localhost", 2121, "foo", "b@r", "/"),
        ("ftp://foo:b#r@localhost:2121/", "localhost", 2121, "foo", "b#r", "/"),
        ("ftp://user:pass@host:21", "host", 21, "user", "pass", ""),
        ("ftp://user:pass@host:21/sub/dir", "host", 21, "user", "pass", "sub/dir"),
        ("ftp://user:pass@host:21//sub/dir", "host", 21, "user", "pass", "/sub/dir"),
        # what may be missing
        ("ftp://host", "host", None, None, None, ""),
        ("ftp://host/", "host", None, None, None, "/"),
        ("ftp://host:2121/a", "host", 2121, None, None, "a"),
        ("ftp://user@host:21/", "host", 21, "user", None, "/"),
        ("ftp://user:@host:21/", "host", 21, "user", "", "/"),
        # encoded, and what works unencoded
        ("ftp://a%40b:c%3Ad%2Fe%25@host:21/", "host", 21, "a@b", "c:d/e%", "/"),
        ("ftp://user:100%@host:21/", "host", 21, "user", "100%", "/"),
        ("ftp://user:a:b@c@host:21/", "host", 21, "user", "a:b@c", "/"),
        ("ftp://user:p/q?r@host:21/", "host", 21, "user", "p/q?r", "/"),
        ("ftp://user:12%2Fss@host:21/", "host", 21, "user", "12/ss", "/"),
        ("ftp://user@example.org:pass@host:21/", "host", 21, "user@example.org", "pass", "/"),
        # the path is as it stands
        ("ftp://user:pass@host:21/a@b:22/c", "host", 21, "user", "pass", "a@b:22/c"),
        ("ftp://user:pass@host:21/a?b#c%20d", "host", 21, "user", "pass", "a?b#c%20d"),
        # a sign in the path makes no other host
        ("ftp://host/users/a@b.example/", "host", None, None, None, "users/a@b.example/"),
        ("ftp://u:p/q@host/a", "host", None, "u", "p/q", "a"),
        ("FTP://user:pass@[::1]:21/", "::1", 21, "user", "pass", "/"),
    ],
)
def test_a_location_is_taken_apart(
    location: str, host: str, port: int | None, username: str | None, password: str | None, path: str
) -> None:
    found = address_of(location)
    assert (found.host, found.port, found.username, found.password, found.path) == (
        host,
        port,
        username,
        password,
        path,
    )
    assert (found.active, found.tls) == (False, False)


@pytest.mark.parametrize(
    ("scheme", "active", "tls"),
    [
        ("ftp", False, False),
        ("aftp", True, False),
        ("ftps", False, True),
        ("ftpes", False, True),
        ("aftps", True, True),
    ],
)
def test_the_scheme_says_who_connects_and_whether_there_is_tls(scheme: str, active: bool, tls: bool) -> None:
    found = address_of(f"{scheme}://user:pass@host:21/")
    assert (found.active, found.tls) == (active, tls)
    options = FTPStorage(location=f"{scheme}://user:pass@host:21/").filesystem_options()
    assert (options["active"], bool(options["tls"])) == (active, tls)


@pytest.mark.parametrize(
    "location",
    [
        "foo",
        "http://foo.pt",
        "ftp://",
        "ftp:///a",
        f"ftp://u:{SECRET}@host:99999/",
        f"ftp://u:{SECRET}@host:port/",
        f"ftp://u:p@ss/{SECRET}@host:21/media",
        f"ftp://u:p@ss/{SECRET}@[::1]:21",
        f"ftp://u:12/{SECRET}@host:21/media",
    ],
)
def test_what_is_no_location_is_refused_unseen(location: str) -> None:
    assert address_fault(location)
    with pytest.raises(ImproperlyConfigured, match="option 'location'") as caught:
        FTPStorage(location=location)
    assert SECRET not in str(caught.value)
    with override_settings(FTP_STORAGE_LOCATION=location):
        storage = FTPStorage()
        with pytest.raises(ImproperlyConfigured, match="FTP_STORAGE_LOCATION") as caught:
            storage.exists("a.txt")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        f"ftp://u:{SECRET}%0aDELE@host:21/",
        f"ftp://u:{SECRET}%0D@host:21/",
        f"ftp://{SECRET}%0d%0a:p@host:21/",
        f"ftp://u:{SECRET}\n@host:21/",
        f"ftp://u:{SECRET}@host:21/media\n",
    ],
)
def test_no_end_of_a_line_goes_into_a_command(location: str) -> None:
    with pytest.raises(
        ImproperlyConfigured, match="option 'location'.* has the end of a line in it"
    ) as caught:
        FTPStorage(location=location)
    assert SECRET not in str(caught.value)
    with (
        override_settings(FTP_STORAGE_LOCATION=location),
        pytest.raises(ImproperlyConfigured, match="FTP_STORAGE_LOCATION") as caught,
    ):
        FTPStorage().exists("a.txt")
    assert SECRET not in str(caught.value)
    assert address_of("ftp://u:p@host:21/a%0ab").path == "a%0ab", "a path is as it stands"


def test_a_location_is_required_and_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="FTP_STORAGE_LOCATION"):
        FTPStorage().exists("a.txt")


def test_a_location_above_its_server_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="location"):
        FTPStorage(location="ftp://u:p@host:21/../elsewhere").exists("a.txt")


def test_the_port_is_the_usual_one_unless_given() -> None:
    assert FTPStorage(location="ftp://host/").filesystem_options()["port"] == 21
    assert FTPStorage(location="ftps://host/").filesystem_options()["port"] == 21
    assert FTPStorage(location="ftps://host/", tls_implicit=True).filesystem_options()["port"] == 990
    assert FTPStorage(location="ftps://host:991/", tls_implicit=True).filesystem_options()["port"] == 991


def test_the_encoded_password_logs_in(ftp_server: FTPServer) -> None:
    assert FTPStorage(**ftp_server.settings()).exists("")


def _wrong(server: FTPServer) -> FTPStorage:
    return FTPStorage(location=f"ftp://keeper:{SECRET}@{HOST}:{server.port}/")


def test_a_wrong_password_is_an_error_without_it(
    ftp_server: FTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(PermissionError, match="refuses the login") as caught:
        _wrong(ftp_server).save("a.txt", ContentFile(b"1"))
    report = ExceptionReporter(None, type(caught.value), caught.value, caught.value.__traceback__)
    shown = "".join(traceback.format_exception(caught.value)) + report.get_traceback_html() + caplog.text
    assert SECRET not in shown


def test_an_unreachable_server_is_an_error_without_the_password() -> None:
    storage = FTPStorage(location=f"ftp://keeper:{SECRET}@{HOST}:1/")
    with pytest.raises(FTPStorageException) as caught:
        storage.exists("a.txt")
    assert isinstance(caught.value, ConnectionError)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_no_repr_or_migration_shows_the_password(ftp_server: FTPServer) -> None:
    storage = _wrong(ftp_server)
    written, _ = MigrationWriter.serialize(models.FileField(storage=storage))
    assert SECRET not in repr(storage) + written
    assert f"{HOST}:{ftp_server.port}" in repr(storage)


def test_copies_and_pickles_work_and_hold_no_connection(ftp_server: FTPServer) -> None:
    storage = FTPStorage(**ftp_server.settings())
    assert storage.exists("")
    for twin in (copy.copy(storage), copy.deepcopy(storage), pickle.loads(pickle.dumps(storage))):
        assert twin == storage
        assert twin.exists("")
    assert PASSWORD not in repr(pickle.loads(pickle.dumps(storage)))


def test_what_a_storage_calls_itself_is_never_the_url() -> None:
    storage: Any = FTPStorage(location=f"ftp://u:{SECRET}@files.example.org:2121/media")
    assert repr(storage) == "<FTPStorage (ftp files.example.org:2121, 'media')>"


@pytest.mark.parametrize("location", [f"ftp://u:p@ss/{SECRET}@host/media", f"ftp://u:12/{SECRET}@host/media"])
def test_what_may_be_a_part_of_a_password_is_not_shown_as_a_path(location: str) -> None:
    storage = FTPStorage(location=location)
    assert SECRET not in repr(storage) + storage.where()
    assert storage.where().endswith("@host/media')")
