"""One set of errors: what SDKs, sockets and the system say, said with Python's own classes and no secret."""

from __future__ import annotations

import asyncio
import errno
import os
import pickle
import socket
import ssl
from typing import Any

import pytest

from django_fsspec_storages.errors import CannotKeepPromise, FileChangedError, NoUrlError, classify, translate
from django_fsspec_storages.filesystems.driver import Step, arun, run
from tests.support.object_store import SECRET, ServiceError

NAME, WHERE = "photos/a.jpg", "alias 'default'"


class Sdk(Exception):
    """An SDK's error with whatever attributes."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(f"request to https://user:{SECRET}@host failed")
        vars(self).update(attributes)


class WrappedError(OSError):
    """An HTTP client's subclass of OSError."""


def ours(error: BaseException, **options: Any) -> OSError:
    translated = translate(error, NAME, WHERE, **options)
    assert translated is not None
    return translated


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, OSError),
        (401, PermissionError),
        (403, PermissionError),
        (404, FileNotFoundError),
        (408, TimeoutError),
        (409, OSError),
        (410, FileNotFoundError),
        (412, FileExistsError),
        (429, ConnectionError),
        (500, ConnectionError),
        (503, ConnectionError),
    ],
)
@pytest.mark.parametrize(
    "attributes",
    [
        lambda status: {"status": status},
        lambda status: {"status_code": status},
        lambda status: {"code": status},
        lambda status: {"response": {"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {}}},
    ],
    ids=["aiohttp", "azure", "google", "botocore"],
)
def test_a_status_becomes_the_class_that_says_it(attributes: Any, status: int, kind: type[OSError]) -> None:
    assert type(ours(Sdk(**attributes(status)))) is kind


@pytest.mark.parametrize(
    "attributes", [{}, {"status": "404"}, {"code": 1}, {"code": lambda: 404}, {"response": 5}]
)
def test_what_carries_no_status_is_no_storage_error(attributes: dict[str, Any]) -> None:
    assert translate(Sdk(**attributes), NAME, WHERE) is None


@pytest.mark.parametrize("error", [ValueError("no"), TypeError("no"), KeyError("no"), MemoryError()])
def test_a_mistake_in_a_program_passes_as_it_is(error: Exception) -> None:
    assert translate(error, NAME, WHERE) is None


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(404), asyncio.CancelledError(), GeneratorExit()]
)
def test_an_interruption_is_no_storage_error(error: BaseException) -> None:
    assert translate(error, NAME, WHERE, lambda _: OSError) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError("https://host/?" + SECRET), FileNotFoundError),
        (FileExistsError(), FileExistsError),
        (PermissionError(errno.EPERM, "no"), PermissionError),
        (IsADirectoryError(), IsADirectoryError),
        (NotADirectoryError(), NotADirectoryError),
        (ConnectionResetError(errno.ECONNRESET, SECRET), ConnectionResetError),
        (ConnectionError(), ConnectionError),
        (BrokenPipeError(), BrokenPipeError),
        (EOFError(), ConnectionResetError),
        (TimeoutError(), TimeoutError),
        (socket.gaierror(socket.EAI_NONAME, "host"), ConnectionError),
        (ssl.SSLCertVerificationError(1, "self-signed"), ConnectionError),
        (WrappedError(errno.ECONNREFUSED, "host"), ConnectionRefusedError),
        (WrappedError(-2, "host"), ConnectionError),
        (OSError(errno.EHOSTUNREACH, "host"), ConnectionError),
        (OSError(errno.EROFS, "disk"), PermissionError),
        (OSError(errno.ENOSPC, "disk"), OSError),
        (OSError("no number"), OSError),
        (InterruptedError(), OSError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else repr(value),
)
def test_an_error_of_the_system_keeps_its_meaning(error: Exception, kind: type[OSError]) -> None:
    translated = ours(error)
    assert type(translated) is kind
    assert translated.filename == NAME
    assert WHERE in str(translated)
    assert isinstance(translated.errno, int)
    assert os.strerror(translated.errno) != f"Unknown error {translated.errno}"


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EPERM, errno.EACCES, errno.EHOSTUNREACH, errno.ELOOP],
)
def test_the_systems_number_is_kept(number: int) -> None:
    assert ours(OSError(number, "no")).errno == number


def test_a_full_disk_and_a_read_only_one_are_named() -> None:
    assert "No space left" in str(ours(OSError(errno.ENOSPC, "no")))
    assert "Read-only" in str(ours(PermissionError(errno.EROFS, "no")))


@pytest.mark.parametrize(
    "error",
    [
        Sdk(status=403),
        ServiceError(500),
        FileNotFoundError(errno.ENOENT, SECRET, SECRET),
        ConnectionError(SECRET),
        OSError(errno.EIO, SECRET, SECRET),
        TimeoutError(SECRET),
        FileChangedError(errno.ESTALE, SECRET, SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_nothing_of_the_foreign_message_is_repeated(error: Exception) -> None:
    assert SECRET not in repr(ours(error)) + str(ours(error))


def test_a_changed_file_stays_a_changed_file() -> None:
    translated = ours(FileChangedError(errno.ESTALE, "theirs", "their name"))
    assert type(translated) is FileChangedError
    assert translated.filename == NAME


@pytest.mark.parametrize("kind", [FileNotFoundError, FileChangedError, BlockingIOError, ConnectionResetError])
def test_the_providers_own_map_is_asked_first(kind: type[OSError]) -> None:
    error = Sdk(status=403)
    assert type(ours(error, explain=lambda _: kind)) is kind
    assert type(ours(error, explain=lambda _: None)) is PermissionError
    assert classify(KeyError(), lambda _: kind) is kind


def test_the_driver_keeps_the_foreign_error_as_the_cause() -> None:
    foreign = Sdk(status=404)

    def refuse() -> None:
        raise foreign

    async def logic() -> None:
        await Step(refuse)

    def to_ours(error: BaseException) -> OSError | None:
        return translate(error, NAME, WHERE)

    for drive in (lambda: run(logic(), to_ours), lambda: asyncio.run(arun(logic(), to_ours))):
        with pytest.raises(FileNotFoundError) as caught:
            drive()
        assert caught.value.__cause__ is foreign


def test_our_errors_survive_pickling() -> None:
    for error in (ours(Sdk(status=403)), FileChangedError(errno.ESTALE, "text", NAME), NoUrlError("none")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))


def test_our_errors_are_what_django_and_others_catch() -> None:
    assert issubclass(NoUrlError, ValueError)
    assert issubclass(NoUrlError, NotImplementedError)
    assert issubclass(CannotKeepPromise, ValueError)
    assert issubclass(FileChangedError, OSError)
