"""Every option of storage on SFTP, from every place that can set it, to what it changes on the server."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from tests.backends.sftp_support import KEY, on, save
from tests.servers.process import HOST
from tests.servers.sftp import SFTPServer


class Place(NamedTuple):
    """Where a test is: its server, its folder there, and one on this machine."""

    server: SFTPServer
    folder: Path
    here: Path

    @property
    def root(self) -> str:
        return f"/{self.folder.name}"


@pytest.fixture
def place(sftp_server: SFTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place where nothing is known of the machine's own SSH."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Place(sftp_server, sftp_server.folder(tmp_path.name), tmp_path)


def modes(folder: Path, saved: str) -> dict[str, int]:
    """Return the permissions of a file that was saved, and of the folders above it."""
    path = folder / saved
    paths = [path, *list(path.parents)[: saved.count("/")]]
    return {each.relative_to(folder).as_posix(): stat.S_IMODE(each.stat().st_mode) for each in paths}


# Each option, wherever it is set


class Row(NamedTuple):
    """An option, a value for it, and what shows that it counts.

    :param value: from the place.
    :param shown: from a storage and the place.
    :param without: what is shown where the option is not set, which is the default.
    :param beside: what else is set, from the place.
    """

    option: str
    value: Callable[[Place], Any]
    shown: Callable[[Any, Place], Any]
    counts: Any
    without: Any
    beside: Callable[[Place], dict[str, Any]] = lambda place: {}


def found(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or how it fails."""
    try:
        return call()
    except Exception as error:
        return type(error)


def logs_in(storage: Any, place: Place) -> Any:
    return found(lambda: storage.exists(""))


def logs_in_with_params(storage: Any, place: Place) -> Any:
    return bool(storage.params) and logs_in(storage, place)


def takes_new_keys(storage: Any, place: Place) -> Any:
    return logs_in(storage, place), (place.here / "new").exists()


def would_ask(storage: Any, place: Place) -> bool:
    with pytest.raises(PermissionError) as caught:
        storage.exists("")
    return "interactive asks for a password" in str(caught.value)


def leads_to(path: str) -> Callable[[Any, Place], bool]:
    return lambda storage, place: bool(save(storage)) and (place.folder / path).exists()


def mode_of(path: str) -> Callable[[Any, Place], int]:
    return lambda storage, place: modes(place.folder, save(storage, "x/y/a.txt"))[path]


def owner(field: str) -> Callable[[Any, Place], Any]:
    return lambda storage, place: getattr((place.folder / save(storage)).stat(), field)


def asyncssh_is_told(*names: str) -> Callable[[Any, Place], list[Any]]:
    return lambda storage, place: [storage.fs.session._options[name] for name in names]


def waits_for_answers(storage: Any, place: Place) -> list[Any]:
    """Return how often a connection is asked for a sign of life, and how long a request may take."""
    told = asyncssh_is_told("keepalive_interval", "keepalive_count_max")(storage, place)
    return [*told, storage.fs.session._silence]


MINE = (os.getuid(), os.getgid())
#: Only root may give files away.
UID, GID = (1234, 4321) if MINE[0] == 0 else MINE
UMASK = os.umask(0)
os.umask(UMASK)

ROWS = [
    Row("host", lambda place: HOST, logs_in, True, ImproperlyConfigured),
    Row("root_path", lambda place: f"{place.root}/below/", leads_to("below/a.txt"), True, False),
    Row("location", lambda place: f"{place.root}/below", leads_to("below/a.txt"), True, False),
    Row("params", lambda place: place.server.settings()["params"], logs_in_with_params, True, False),
    Row("known_host_file", lambda place: place.server.known_hosts, logs_in, True, ConnectionError),
    Row(
        "auto_add_host_keys",
        lambda place: True,
        takes_new_keys,
        (True, True),
        (ConnectionError, False),
        lambda place: {"known_host_file": place.here / "new"},
    ),
    Row("interactive", lambda place: True, would_ask, True, False, lambda place: {"params": place.server.settings(**KEY)["params"]}),
    Row("base_url", lambda place: "https://cdn.example/m", lambda s, p: s.url("a b.txt"), "https://cdn.example/m/a%20b.txt", "/media/a%20b.txt"),
    Row("allow_overwrite", lambda place: True, lambda s, p: save(s) == save(s), True, False),
    Row("file_mode", lambda place: 0o604, mode_of("x/y/a.txt"), 0o604, 0o666 & ~UMASK),
    Row("file_permissions_mode", lambda place: 0o604, mode_of("x/y/a.txt"), 0o604, 0o666 & ~UMASK),
    Row("dir_mode", lambda place: 0o711, mode_of("x"), 0o711, 0o777 & ~UMASK),
    Row("directory_permissions_mode", lambda place: 0o711, mode_of("x/y"), 0o711, 0o777 & ~UMASK),
    Row("uid", lambda place: UID, owner("st_uid"), UID, MINE[0]),
    Row("gid", lambda place: GID, owner("st_gid"), GID, MINE[1]),
    Row("connect_timeout", lambda place: 7.0, asyncssh_is_told("connect_timeout", "login_timeout"), [7.0, 7.0], [30.0, 30.0]),
    Row("read_timeout", lambda place: 6.0, waits_for_answers, [2.0, 2, 6.0], [10.0, 2, 30.0]),
]  # fmt: skip
EVERY_ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.option)

SETTINGS = {
    "host": "SFTP_STORAGE_HOST",
    "root_path": "SFTP_STORAGE_ROOT",
    "params": "SFTP_STORAGE_PARAMS",
    "known_host_file": "SFTP_KNOWN_HOST_FILE",
    "auto_add_host_keys": "SFTP_AUTO_ADD_HOST_KEYS",
    "interactive": "SFTP_STORAGE_INTERACTIVE",
    "base_url": "SFTP_BASE_URL",
    "allow_overwrite": "SFTP_ALLOW_OVERWRITE",
    "file_mode": "SFTP_STORAGE_FILE_MODE",
    "dir_mode": "SFTP_STORAGE_DIR_MODE",
    "uid": "SFTP_STORAGE_UID",
    "gid": "SFTP_STORAGE_GID",
    "connect_timeout": "FSSPEC_STORAGE_CONNECT_TIMEOUT",
    "read_timeout": "FSSPEC_STORAGE_READ_TIMEOUT",
}


def beside(row: Row, place: Place) -> dict[str, Any]:
    """Return what is set beside a row's option."""
    given = {**place.server.settings(), "root_path": place.root, **row.beside(place)}
    return {name: value for name, value in given.items() if name != row.option}


def test_the_rows_are_the_options() -> None:
    common = FsspecStorage.declared_options()
    ours = {n for n, option in SFTPStorage.declared_options().items() if option is not common.get(n)}
    assert {row.option for row in ROWS} == ours | {"connect_timeout", "read_timeout"}
    named = {name: option.names[:1] for name, option in SFTPStorage.declared_options().items()}
    assert {row.option: named[row.option] for row in ROWS} == {
        row.option: (SETTINGS[row.option],) if row.option in SETTINGS else () for row in ROWS
    }


@pytest.mark.usefixtures("default_waits")
@EVERY_ROW
def test_an_option_that_is_not_set(row: Row, place: Place) -> None:
    assert row.shown(SFTPStorage(**beside(row, place)), place) == row.without


@EVERY_ROW
def test_an_option_in_options(row: Row, place: Place) -> None:
    storage = SFTPStorage(**beside(row, place), **{row.option: row.value(place)})
    assert row.shown(storage, place) == row.counts


@EVERY_ROW
def test_an_option_as_an_attribute_of_a_subclass(row: Row, place: Place) -> None:
    cls = type("Sub", (SFTPStorage,), {row.option: row.value(place)})
    assert row.shown(cls(**beside(row, place)), place) == row.counts


@pytest.mark.parametrize("row", [row for row in ROWS if row.option in SETTINGS], ids=lambda row: row.option)
def test_an_option_as_a_setting(row: Row, place: Place) -> None:
    storage = SFTPStorage(**beside(row, place))
    with override_settings(**{SETTINGS[row.option]: row.value(place)}):
        assert row.shown(storage, place) == row.counts


@pytest.mark.parametrize("name", ["FILE_UPLOAD_PERMISSIONS", "FILE_UPLOAD_DIRECTORY_PERMISSIONS"])
def test_djangos_setting_of_permissions_is_for_local_disk(place: Place, name: str) -> None:
    with override_settings(**{name: 0o700}):
        path = save(on(place.server, root_path=place.root), "x/a.txt")
        assert set(modes(place.folder, path).values()) == {0o666 & ~UMASK, 0o777 & ~UMASK}
