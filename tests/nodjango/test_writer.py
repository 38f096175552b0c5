"""Files open for writing, on every kind of filesystem: closing publishes, everything else leaves nothing."""

from __future__ import annotations

import array
import io
from typing import Any

import pytest

from tests.nodjango.conftest import Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.object_store import SECRET, ServiceError

PART = 64 * 2**10


class BodyError(Exception):
    """Raised by the body of a with block."""


def fail_in_body(file: Any, content: str | bytes, error: type[BaseException]) -> None:
    with file:
        file.write(content)
        raise error


def write_parts(file: Any) -> None:
    """Write until a failed part shows."""
    for _ in range(50):
        file.write("1" * PART if isinstance(file, io.TextIOBase) else b"1" * PART)


def test_what_is_written_is_visible_when_closed_and_not_before(place: Place) -> None:
    file = place.open("folder/a", "wb")
    assert file.write(b"1" * 300_000) == 300_000
    file.flush()
    assert file.write(b"2") == 1
    assert place.names() == []
    file.close()
    assert place.names() == ["folder/a"]
    assert place.read("folder/a") == b"1" * 300_000 + b"2"


def test_nothing_written_is_an_empty_file(place: Place) -> None:
    place.open("a", "wb").close()
    place.open("b", "w").close()
    assert (place.read("a"), place.read("b")) == (b"", b"")


def test_closing_twice_publishes_once(place: Place) -> None:
    file = place.open("a", "wb")
    file.close()
    place.write("a", b"of another")
    file.close()
    assert file.closed
    assert place.read("a") == b"of another"


@pytest.mark.parametrize("data", [bytearray(b"12"), memoryview(b"12"), array.array("H", [0x3231])])
def test_whatever_has_bytes_can_be_written(place: Place, data: object) -> None:
    with place.open("a", "wb") as file:
        assert file.write(data) == 2
    assert place.read("a") == b"12"


def test_a_buffer_may_be_used_again_at_once(place: Place) -> None:
    buffer = bytearray(b"first")
    with place.open("a", "wb") as file:
        file.write(buffer)
        buffer[:] = b"other"
    assert place.read("a") == b"first"


@pytest.mark.parametrize("data", ["text", None, 5])
def test_what_is_no_bytes_is_refused_and_the_file_goes_on(place: Place, data: object) -> None:
    with place.open("a", "wb") as file:
        with pytest.raises(TypeError):
            file.write(data)
        file.write(b"1")
    assert place.read("a") == b"1"


@pytest.mark.parametrize("mode", ["wb", "w"])
@pytest.mark.parametrize("length", [0, 10, 300_000])
@pytest.mark.parametrize("error", [BodyError, KeyboardInterrupt, SystemExit])
def test_an_exception_in_the_body_leaves_the_old_content(
    place: Place, mode: str, length: int, error: type[BaseException]
) -> None:
    place.write("a", b"old")
    file = place.open("a", mode)
    with pytest.raises(error):
        fail_in_body(file, b"1" * length if "b" in mode else "1" * length, error)
    assert file.closed
    assert place.read("a") == b"old"
    assert place.names() == ["a"]
    assert place.leftovers() == []


@pytest.mark.parametrize("name", ["abort", "discard"])
@pytest.mark.parametrize("mode", ["wb", "w"])
def test_an_aborted_file_is_closed_and_leaves_nothing(place: Place, name: str, mode: str) -> None:
    file = place.open("a", mode)
    file.write(b"1" * 300_000 if "b" in mode else "1" * 300_000)
    getattr(file, name)()
    getattr(file, name)()
    assert file.closed
    file.close()
    assert place.names() == []
    assert place.leftovers() == []


def test_a_closed_file_takes_no_more(place: Place) -> None:
    file = place.open("a", "wb")
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.write(b"1")
    with pytest.raises(ValueError, match="closed"), file:
        pass


def test_it_knows_what_it_is(place: Place) -> None:
    with place.open("a", "wb") as file:
        file.write(b"123")
        assert (file.name, file.mode) == (place.path("a"), "wb")
        assert isinstance(file, io.BufferedIOBase)
        assert (file.writable(), file.readable(), file.seekable(), file.tell()) == (True, False, False, 3)
        with pytest.raises(io.UnsupportedOperation):
            file.read()
        with pytest.raises(io.UnsupportedOperation):
            file.seek(0)


def test_x_refuses_a_name_that_is_taken(place: Place) -> None:
    place.write("a", b"old")
    with pytest.raises(FileExistsError) as caught, place.open("a", "xb") as file:
        file.write(b"new")
    assert caught.value.filename == place.path("a")
    assert place.read("a") == b"old"
    assert place.leftovers() == []


def test_x_makes_a_new_file(place: Place) -> None:
    with place.open("a", "x") as file:
        file.write("new")
    assert place.read("a") == b"new"


@pytest.fixture
def failing(costore: CoroutineMemoryFileSystem):
    """A file one of whose parts is refused."""
    costore.server.fail("part", ServiceError(503), nth=2)
    return costore.open("a", "wb")


def fail_it(failing) -> None:
    with pytest.raises(ConnectionError) as caught:
        write_parts(failing)
    assert SECRET not in str(caught.value)


def test_after_a_failed_part_nothing_is_open_on_the_server(
    failing, costore: CoroutineMemoryFileSystem
) -> None:
    fail_it(failing)
    assert not costore.server.multiparts


def test_after_a_failed_part_writing_and_closing_are_errors(
    failing, costore: CoroutineMemoryFileSystem
) -> None:
    fail_it(failing)
    with pytest.raises(OSError, match="earlier write"):
        failing.write(b"1")
    with pytest.raises(OSError, match="earlier write"):
        failing.close()
    assert failing.closed
    failing.close()
    assert not costore.server.objects


def test_a_body_that_swallows_the_failure_still_learns_of_it(
    failing, costore: CoroutineMemoryFileSystem
) -> None:
    with pytest.raises(OSError, match="earlier write"), failing:
        fail_it(failing)
    assert failing.closed
    assert not costore.server.objects


def test_after_a_failed_part_an_abort_closes_in_silence(failing) -> None:
    fail_it(failing)
    failing.abort()
    assert failing.closed
    failing.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mode", ["wb", "w"])
@pytest.mark.parametrize("error", [BodyError, KeyboardInterrupt])
def test_an_abort_that_fails_hides_no_error_of_the_body(
    costore: CoroutineMemoryFileSystem, mode: str, error: type[BaseException]
) -> None:
    costore.server.fail("abort", ServiceError(503))
    file = costore.open("a", mode)
    with pytest.raises(error):
        fail_in_body(file, b"1" * 5 * PART if mode == "wb" else "1" * 5 * PART, error)
    assert file.closed
    assert not costore.server.objects


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_abort_that_is_asked_for_says_when_it_fails(costore: CoroutineMemoryFileSystem) -> None:
    file = costore.open("a", "wb")
    file.write(b"1" * 5 * PART)
    costore.server.fail("abort", ServiceError(503))
    with pytest.raises(ConnectionError):
        file.abort()  # type: ignore[attr-defined]
    assert file.closed


@pytest.mark.parametrize("mode", ["wb", "w"])
@pytest.mark.parametrize("kind", ["put", "complete"])
def test_a_failed_commit_is_raised_by_close(costore: CoroutineMemoryFileSystem, mode: str, kind: str) -> None:
    costore.server.fail(kind, ServiceError(503))
    file = costore.open("a", mode)
    file.write(("1" if mode == "w" else b"1") * (10 if kind == "put" else 3 * PART))
    with pytest.raises(ConnectionError):
        file.close()
    assert file.closed
    assert not costore.server.objects
    assert not costore.server.multiparts


def test_text_that_fails_to_be_flushed_is_not_published(costore: CoroutineMemoryFileSystem) -> None:
    costore.server.fail("part", ServiceError(503), nth=1, times=50)
    with pytest.raises(ConnectionError), costore.open("a", "w") as file:
        write_parts(file)
    assert file.closed
    assert not costore.server.objects
    assert not costore.server.multiparts


def test_a_body_that_fails_because_of_a_failed_part_ends_with_that_error(failing) -> None:
    with pytest.raises(ConnectionError), failing:
        write_parts(failing)
    assert failing.closed
