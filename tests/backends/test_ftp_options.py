"""Every option of storage on FTP, from every place that can set it, to what it changes."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_fsspec_storages.backends.ftp import (
    FTPManifestStaticStorage,
    FTPStaticStorage,
    FTPStorage,
    FTPStorageFile,
)
from tests.backends.support import said_by_checks, save
from tests.servers.ftp import FTPServer
from tests.support.processes import python

PATH = "django_fsspec_storages.backends.ftp.FTPStorage"


@pytest.fixture
def folder(ftp_server: FTPServer, tmp_path: Path) -> Path:
    """A folder of the test's own on the server."""
    return ftp_server.make_folder(tmp_path.name)


@pytest.fixture
def storage(ftp_server: FTPServer, folder: Path) -> Any:
    return FTPStorage(**ftp_server.settings(f"/{folder.name}"))


def said(options: dict[str, Any], path: str = PATH, alias: str = "files") -> dict[str, str]:
    return said_by_checks(options, path, alias)


# Where


def test_the_location_counts_from_every_place(ftp_server: FTPServer, folder: Path) -> None:
    location = ftp_server.location(f"/{folder.name}")

    class Attribute(FTPStorage):
        pass

    Attribute.location = location  # type: ignore[assignment]
    save(FTPStorage(location=location), "option.txt")
    save(Attribute(), "attribute.txt")
    with override_settings(FTP_STORAGE_LOCATION=location):
        save(FTPStorage(), "setting.txt")
    assert sorted(os.listdir(folder)) == ["attribute.txt", "option.txt", "setting.txt"]


def test_the_setting_as_the_manual_of_1_7_calls_it_counts_and_warns(
    ftp_server: FTPServer, folder: Path
) -> None:
    with (
        override_settings(LOCATION=ftp_server.location(f"/{folder.name}")),
        pytest.warns(DeprecationWarning, match="LOCATION is an old name: use FTP_STORAGE_LOCATION"),
    ):
        save(FTPStorage())
    assert os.listdir(folder) == ["a.txt"]


def test_paths_with_one_slash_are_below_the_folder_of_the_login_and_with_two_are_not(
    ftp_server: FTPServer, folder: Path
) -> None:
    for number, path in enumerate((folder.name, f"/{folder.name}", f"{folder.name}/", f"/{folder.name}/b")):
        save(FTPStorage(**ftp_server.settings(path)), f"{number}.txt")
    assert sorted(os.listdir(folder)) == ["0.txt", "1.txt", "2.txt", "b"]


# Names, URLs, overwriting


def test_the_encoding_is_that_of_names(folder: Path, ftp_server: FTPServer) -> None:
    settings = ftp_server.settings(f"/{folder.name}")
    assert save(FTPStorage(**settings), "ü.txt") == "ü.txt"
    assert [os.fsencode(name) for name in os.listdir(folder)] == ["ü.txt".encode()]
    with override_settings(FTP_STORAGE_ENCODING="latin-1"):
        assert not FTPStorage(**settings).exists("ü.txt")
        assert FTPStorage(**settings).exists("ü.txt".encode().decode("latin-1"))


def test_an_encoding_that_is_none_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="'klingon' is no encoding"):
        FTPStorage(location="ftp://host/", encoding="klingon")


UNFIT = ["base64", "rot13", "utf-16", "utf-32-be", "utf-7", "utf-8-sig", "cp037", "hz", "iso2022_jp", "idna"]


@pytest.mark.parametrize("encoding", UNFIT)
def test_an_encoding_that_names_cannot_be_in_is_refused(encoding: str) -> None:
    options: dict[str, Any] = {"location": "ftp://host/", "encoding": encoding}
    with pytest.raises(ImproperlyConfigured, match=f"'{encoding}' is no encoding that names"):
        FTPStorage(**options)
    assert encoding in said(options)["fsspec_storages.E005"]
    with override_settings(FTP_STORAGE_ENCODING=encoding):
        assert "FTP_STORAGE_ENCODING" in said({"location": "ftp://host/"})["fsspec_storages.E005"]
    below = FTPStorage(location="ftp://host/", storage_options={"encoding": encoding})
    with pytest.raises(ImproperlyConfigured, match=r"the encoding '.*' is no encoding that names"):
        below.exists("a.txt")


def test_encodings_that_leave_ascii_as_it_is_are_taken() -> None:
    for encoding in ("utf-8", "UTF8", "latin-1", "cp1251", "shift_jis", "gb18030", "euc-kr", "ascii"):
        assert FTPStorage(location="ftp://host/", encoding=encoding).encoding == encoding


def test_the_address_is_base_url_else_that_of_media(storage: Any) -> None:
    with override_settings(MEDIA_URL="/media/", BASE_URL=None):
        assert storage.url("a b/ü.txt") == "/media/a%20b/%C3%BC.txt"
    with override_settings(BASE_URL="https://files.example/"):
        assert storage.url("a.txt") == "https://files.example/a.txt"
    storage.base_url = "https://other.example"
    assert storage.url("a.txt") == "https://other.example/a.txt"
    with override_settings(MEDIA_URL=""):
        storage.base_url = None
        with pytest.raises(ValueError, match="base_url"):
            storage.url("a.txt")


def test_overwriting_is_off_unless_it_is_allowed(storage: Any, folder: Path) -> None:
    save(storage)
    assert save(storage, content=b"other") != "a.txt"
    with override_settings(FTP_ALLOW_OVERWRITE=True):
        assert save(storage, content=b"third") == "a.txt"
        assert storage.exists("a.txt")  # django-storages: never
        storage.delete("a.txt")
    assert not (folder / "a.txt").exists()


# Connections


def test_no_more_connections_are_made_than_allowed(ftp_server: FTPServer, folder: Path) -> None:
    settings = ftp_server.settings(f"/{folder.name}")
    with override_settings(FTP_MAX_CONNECTIONS=1):
        storage = FTPStorage(**settings)
        save(storage, "a.bin", bytes(3_000_000))
        ftp_server.connections()
        with storage.open("a.bin") as file:
            assert file.read(10) == bytes(10)
            assert storage.size("a.bin") == 3_000_000
            assert len(file.read()) == 2_999_990
        assert len(storage.fs.pool._slots) == 1
    with pytest.raises(ImproperlyConfigured, match="max_connections"):
        FTPStorage(location="ftp://host/", max_connections=0)


def test_a_lock_that_was_left_behind_ends_by_its_age(storage: Any, folder: Path) -> None:
    save(storage)
    name = "b.txt"
    lock = folder / Path(_lock_of(storage, name)).name
    lock.mkdir()
    old = (datetime.now(UTC) - timedelta(seconds=30)).timestamp()
    os.utime(lock, (old, old))
    with override_settings(FTP_LOCK_AGE=20):
        assert save(storage, name) == name
    assert not lock.exists()


def _lock_of(storage: Any, name: str) -> str:
    from django_fsspec_storages.filesystems.ftp_lock import Lock

    return Lock(storage.fs, storage.fs_path(name), "")._name


def test_waits_reach_the_connection() -> None:
    options = FTPStorage(location="ftp://host/", connect_timeout=3, read_timeout=7).filesystem_options()
    assert (options["connect_timeout"], options["timeout"]) == (3, 7)


def test_disconnect_closes_and_the_next_operation_connects_again(storage: Any) -> None:
    FTPStorage(location="ftp://host/").disconnect()  # nothing was asked of it
    assert storage.exists("")
    storage.disconnect()
    storage.disconnect()
    assert not storage.fs.pool._idle
    assert storage.exists("")


# TLS


@pytest.fixture(params=["explicit", "implicit"])
def secured(request: pytest.FixtureRequest) -> Any:
    """A server with TLS."""
    return request.getfixturevalue(
        {"explicit": "ftps_server", "implicit": "ftps_implicit_server"}[request.param]
    )


def test_certificates_are_verified_by_the_file_of_ones_own_ca(secured: FTPServer) -> None:
    settings = secured.settings()
    ca_file = settings.pop("tls_ca_file")
    with pytest.raises(ConnectionError, match="tls_ca_file"):
        FTPStorage(**settings).exists("a.txt")
    with override_settings(FTP_TLS_CA_FILE=Path(ca_file)):
        assert FTPStorage(**settings).exists("")
    with override_settings(FTP_TLS_VERIFY=False):
        assert FTPStorage(**settings).exists("")


def test_implicit_tls_is_a_setting_and_never_sends_in_the_clear(ftps_implicit_server: FTPServer) -> None:
    settings = ftps_implicit_server.settings()
    del settings["tls_implicit"]
    settings["location"] = settings["location"].replace("ftps://", "ftp://")
    with override_settings(FTP_TLS_IMPLICIT=True):
        assert FTPStorage(**settings).exists("")
    assert FTPStorage(location="ftp://host/", tls_implicit=True).filesystem_options()["tls"]


def test_a_server_that_insists_on_tls_says_so(ftps_server: FTPServer) -> None:
    location = ftps_server.location().replace("ftps://", "ftp://")
    with pytest.raises(ConnectionError, match="ftps://"):
        FTPStorage(location=location).exists("a.txt")


# Checks, static files, files


def test_a_right_configuration_has_no_messages(ftps_server: FTPServer) -> None:
    for options in ({"location": "ftp://u:p@host:21/"}, ftps_server.settings()):
        assert said(options) == {}


def test_certificates_that_nobody_verifies_are_warned_of() -> None:
    location = "ftps://u:p@host:21/"
    assert "tls_verify" in said({"location": location, "tls_verify": False})["fsspec_storages.W010"]
    assert "missing.pem" in said({"location": location, "tls_ca_file": "missing.pem"})["fsspec_storages.W013"]
    assert said({"location": "ftp://u:p@host:21/", "tls_verify": False}) == {}


@pytest.mark.parametrize(
    ("options", "extra", "warns"),
    [
        ({"location": "ftps://u:p@h/"}, {"tls_verify": False}, True),
        ({"location": "ftps://u:p@h/"}, {"tls_verify": 0}, True),
        ({"location": "ftp://u:p@h/"}, {"tls": "explicit", "tls_verify": False}, True),
        ({"location": "ftp://u:p@h/", "tls_verify": False}, {"tls": True}, True),
        ({"location": "ftp://u:p@h/", "tls_implicit": True}, {"tls_verify": False}, True),
        ({"location": "ftps://u:p@h/", "tls_verify": False}, {"tls_verify": True}, False),
        ({"location": "ftps://u:p@h/"}, {"tls": False, "tls_verify": False}, False),
        ({"location": "ftp://u:p@h/"}, {"tls_verify": False}, False),
        ({"location": "ftps://u:p@h/"}, {"block_size": 1}, False),
    ],
)
def test_certificates_that_storage_options_let_nobody_verify_are_warned_of(
    options: dict[str, Any], extra: dict[str, Any], warns: bool
) -> None:
    options = options | {"storage_options": extra}
    found = said(options).get("fsspec_storages.W010", "")
    assert ("tls_verify" in found) == warns
    context = FTPStorage(**options).fs.pool._server.context
    assert warns == (context is not None and context.verify_mode == ssl.CERT_NONE)


@pytest.mark.parametrize(
    ("options", "id_", "words"),
    [
        ({}, "fsspec_storages.E003", "FTP_STORAGE_LOCATION"),
        ({"location": "http://host/"}, "fsspec_storages.E005", "none of ftp://"),
        ({"location": "ftp://host/../a"}, "fsspec_storages.E006", ""),
        ({"location": "ftp://host/", "lock_age": -1}, "fsspec_storages.E005", "lock_age"),
        ({"location": "ftp://host/", "locaton": "x"}, "fsspec_storages.E002", "location"),
    ],
)
def test_what_is_wrong_is_an_error_of_the_check(options: dict[str, Any], id_: str, words: str) -> None:
    assert words in said(options)[id_]


def test_static_classes_are_under_static_url_and_overwrite() -> None:
    for cls in (FTPStaticStorage, FTPManifestStaticStorage):
        storage = cls(location="ftp://host/")
        with override_settings(STATIC_URL="/static/", BASE_URL="/never/"):
            assert (storage.base_url, storage.allow_overwrite) == ("/static/", True)
    assert (
        "FTPStaticStorage" in said({"location": "ftp://host/"}, alias="staticfiles")["fsspec_storages.W008"]
    )


def test_files_are_constructed_in_the_order_of_django_storages(storage: Any) -> None:
    save(storage)
    file = FTPStorageFile("a.txt", storage, "rb")
    with file:
        assert file.read() == b"content"
    with storage.open("a.txt") as opened:
        assert type(opened) is FTPStorageFile


def test_importing_constructing_urls_and_checks_need_no_ftplib() -> None:
    script = """
import sys
from django.conf import settings
settings.configure(STORAGES={"default": {"BACKEND": %r, "OPTIONS": {"location": "ftp://u:p@h:21/"}}})
import django
django.setup()
from django.core.files.storage import default_storage
from django_fsspec_storages.checks import check_storages
assert default_storage.url("a.txt") == "/a.txt", default_storage.url("a.txt")
assert not check_storages(None)
print("ftplib" in sys.modules)
"""
    ended = python(script % PATH)
    assert (ended.stdout.strip(), ended.stderr) == ("False", "")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_certificates_that_cannot_be_used_is_no_missing_file(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    storage = FTPStorage(location="ftps://u:p@127.0.0.1:1/", tls_ca_file=path)
    with pytest.raises(ImproperlyConfigured, match="the file of tls_ca_file cannot be used"):
        storage.exists("a.txt")
