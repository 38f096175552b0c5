"""A password that is asked for: of whom, when, what becomes of it, and who is never asked."""

from __future__ import annotations

import asyncio
import copy
import io
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncssh
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from django_fsspec_storages.backends import _sftp_login
from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from tests.backends.sftp_support import KEY, PATH, Command, on, save
from tests.servers.process import HOST
from tests.servers.sftp import PASSWORD, USER, SFTPServer

ADVICE = "interactive asks for a password only at a terminal, of a management command"


@pytest.fixture(autouse=True)
def home(sftp_server: SFTPServer, no_ssh_keys: Path, tmp_path: Path) -> Path:
    """A folder of the test's own on the server; nobody has keys on this machine, nor an agent."""
    return sftp_server.folder(tmp_path.name)


class Person:
    """Sits at a terminal, and types the passwords one after the other."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.asked: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        if not self.types:
            raise EOFError
        return self.types.pop(0)


class Stream(io.StringIO):
    """A terminal's."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody at a terminal who knows the password."""
    person = Person()
    person.types = [PASSWORD]
    monkeypatch.setattr(_sftp_login, "getpass", person)
    # Not those of sys itself: pytest puts its own there for each test.
    streams = SimpleNamespace(stdin=Stream(), stderr=Stream(), _getframe=sys._getframe)
    monkeypatch.setattr(_sftp_login, "sys", streams)
    return person


@pytest.fixture
def storage(sftp_server: SFTPServer, home: Path) -> Any:
    """One that has no password, and may ask."""
    return on(sftp_server, params=KEY, interactive=True, root_path=f"/{home.name}")


def in_a_command(work: Callable[[], Any]) -> Any:
    command = Command(work)
    call_command(command)
    return command.returned


# Who is asked


def test_a_command_at_a_terminal_asks_once(storage: Any, person: Person, home: Path) -> None:
    def work() -> None:
        save(storage, "a.txt")
        save(storage, "b.txt")
        storage.close()
        save(storage, "c.txt")

    in_a_command(work)
    assert person.asked == [f"Password of {USER}@{HOST} (SFTP): "]
    assert sorted(each.name for each in home.iterdir()) == ["a.txt", "b.txt", "c.txt"]


def test_without_a_user_the_question_names_none(sftp_server: SFTPServer, person: Person) -> None:
    storage = on(sftp_server, params={**KEY, "username": None}, interactive=True)
    with pytest.raises(PermissionError, match="the server refuses the login"):
        in_a_command(lambda: storage.exists(""))
    assert person.asked == [f"Password for {HOST} (SFTP): "]


def test_after_a_command_the_password_serves_the_storage_still(storage: Any, person: Person) -> None:
    in_a_command(lambda: storage.exists(""))
    assert storage.exists("")
    assert asyncio.run(storage.aexists(""))
    assert len(person.asked) == 1


def test_what_is_typed_is_not_kept_where_options_are(storage: Any, person: Person) -> None:
    params = dict(storage.params)
    in_a_command(lambda: storage.exists(""))
    assert storage.params == params
    assert storage.given[1]["params"] == params


@pytest.mark.parametrize("stream", ["stdin", "stderr"])
@pytest.mark.parametrize("there", [True, False], ids=["no terminal", "none at all"])
def test_without_a_terminal_nobody_is_asked(
    storage: Any, person: Person, monkeypatch: pytest.MonkeyPatch, stream: str, there: bool
) -> None:
    monkeypatch.setattr(f"{_sftp_login.__name__}.sys.{stream}", io.StringIO() if there else None)
    with pytest.raises(PermissionError, match=ADVICE):
        in_a_command(lambda: storage.exists(""))
    assert person.asked == []


def test_outside_a_command_nobody_is_asked(storage: Any, person: Person) -> None:
    for call in (lambda: storage.exists(""), lambda: save(storage), lambda: storage.sftp):
        with pytest.raises(PermissionError, match=ADVICE) as caught:
            call()
        assert "the server refuses the login" in str(caught.value)
    assert person.asked == []


def view(request: HttpRequest) -> HttpResponse:
    default_storage.exists("")
    return HttpResponse()


async def async_view(request: HttpRequest) -> HttpResponse:
    await default_storage.aexists("")  # type: ignore[attr-defined]
    return HttpResponse()


async def blocking_view(request: HttpRequest) -> HttpResponse:
    return view(request)


urlpatterns = [path("sync", view), path("async", async_view), path("blocking", blocking_view)]


@pytest.fixture
def site(storage: Any) -> Iterator[None]:
    alias = {"default": {"BACKEND": PATH, "OPTIONS": storage.given[1]}}
    with override_settings(STORAGES=alias, ROOT_URLCONF=__name__):
        yield


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("address", ["/sync", "/async", "/blocking"])
def test_in_a_request_that_a_command_answers_nobody_is_asked(person: Person, address: str) -> None:
    async def asynchronously() -> Any:
        return await AsyncClient().get(address)

    for answer in (lambda: Client().get(address), lambda: asyncio.run(asynchronously())):
        with pytest.raises(PermissionError, match=ADVICE):
            in_a_command(answer)
    assert person.asked == []


def test_on_an_event_loop_nobody_is_asked(storage: Any, person: Person) -> None:
    with pytest.raises(PermissionError, match=ADVICE):
        in_a_command(lambda: asyncio.run(storage.aexists("")))
    assert person.asked == []


# When


def test_a_key_that_does_is_enough(sftp_server: SFTPServer, person: Person) -> None:
    params = {**KEY, "key_filename": sftp_server.key()}
    assert in_a_command(lambda: on(sftp_server, params=params, interactive=True).exists(""))
    assert person.asked == []


def test_a_key_that_does_not_is_followed_by_the_question(
    sftp_server: SFTPServer, person: Person, tmp_path: Path
) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "key")
    params = {**KEY, "key_filename": tmp_path / "key"}
    assert in_a_command(lambda: on(sftp_server, params=params, interactive=True).exists(""))
    assert len(person.asked) == 1


@pytest.mark.parametrize("password", [PASSWORD, "hunter3"])
def test_a_password_that_is_given_is_the_only_one(
    sftp_server: SFTPServer, person: Person, password: str
) -> None:
    storage = on(sftp_server, params={"password": password}, interactive=True)
    if password == PASSWORD:
        assert in_a_command(lambda: storage.exists(""))
    else:
        with pytest.raises(PermissionError, match="the server refuses the login"):
            in_a_command(lambda: storage.exists(""))
    assert person.asked == []


def test_a_server_that_cannot_be_reached_is_said_so_and_nobody_is_asked(
    storage: Any, person: Person, tmp_path: Path
) -> None:
    unreachable = SFTPStorage(host=HOST, params={"port": 1}, interactive=True)
    unknown = SFTPStorage(**{**storage.given[1], "known_host_file": tmp_path / "missing"})
    for refused, said in ((unreachable, "Cannot reach the server"), (unknown, "host key")):
        with pytest.raises(ConnectionError, match=said):
            in_a_command(lambda: refused.exists(""))  # noqa: B023
    assert person.asked == []


def test_a_password_that_was_mistyped_is_asked_for_anew(storage: Any, person: Person) -> None:
    person.types = ["hunter3", PASSWORD]

    def work() -> bool:
        with pytest.raises(PermissionError, match="the server refuses the login"):
            storage.exists("")
        assert len(person.asked) == 1
        return bool(storage.exists(""))

    assert in_a_command(work)
    assert len(person.asked) == 2


def test_a_question_that_was_not_answered_is_asked_anew(storage: Any, person: Person) -> None:
    person.types = []

    def work() -> bool:
        with pytest.raises(PermissionError, match="refuses the login.*none was typed") as caught:
            storage.exists("")
        assert type(caught.value.__cause__) is PermissionError
        person.types = [PASSWORD]
        return bool(storage.exists(""))

    assert in_a_command(work)
    assert len(person.asked) == 2


def test_nobody_is_asked_in_order_to_log_out(storage: Any, person: Person) -> None:
    person.types = ["hunter3"]

    def work() -> None:
        with pytest.raises(PermissionError, match="the server refuses the login"), storage:
            storage.exists("")

    in_a_command(work)
    assert len(person.asked) == 1


def test_paramikos_client_logs_in_with_what_was_typed(storage: Any, person: Person, home: Path) -> None:
    with storage:
        assert in_a_command(lambda: storage.sftp.listdir(f"/{home.name}")) == []
    assert len(person.asked) == 1


# What becomes of it


def test_a_pickle_does_not_hold_it(storage: Any, person: Person) -> None:
    in_a_command(lambda: storage.exists(""))
    data = pickle.dumps(storage)
    assert PASSWORD.encode() not in data
    loaded = pickle.loads(data)
    with pytest.raises(PermissionError, match=ADVICE):
        loaded.exists("")
    person.types = [PASSWORD]
    assert in_a_command(lambda: loaded.exists(""))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_does_not_hold_it_either_and_works(
    storage: Any, person: Person, copied: Callable[[Any], Any]
) -> None:
    in_a_command(lambda: storage.exists(""))
    twin = copied(storage)
    assert PASSWORD not in repr(vars(twin))
    person.types = [PASSWORD]
    assert in_a_command(lambda: twin.exists(""))
    assert storage.exists("")
