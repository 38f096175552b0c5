"""All or nothing: a write that fails leaves nothing visible, nothing behind, and what was there before intact."""

from __future__ import annotations

import asyncio
import gc
import io

import pytest
from django.core.files.base import ContentFile, File

from django_fsspec_storages.filesystems import Promise
from tests.contract.calls import settle
from tests.support.object_store import ServiceError

#: Bytes written before it fails: nothing, within the first piece, at its end, in several pieces.
OFFSETS = [0, 1, 4096, 262_144, 700_001]

pytestmark = pytest.mark.promise(Promise.ATOMIC)


class Broken(Exception):
    """What goes wrong in the test: nobody's storage error."""


def _fail(self):
    raise Broken


def _pieces(offset):
    return [b"z" * min(65_536, offset - start) for start in range(0, offset, 65_536)]


def _failing(offset, error):
    yield from _pieces(offset)
    raise error


@pytest.fixture(params=[False, True], ids=["new", "existing"])
def attempts(request, space, storage):
    """Return a generator of (name, offset): each name is new, or holds older content, and must do so afterwards."""

    def attempts():
        for offset in OFFSETS:
            name = f"{offset}.bin"
            if request.param:
                space.seed({name: b"old content"})
            before = space.files()
            yield name, offset
            settle()
            assert space.files() == before
            if space.backend.ours:
                assert list(storage.fs.leftovers(storage.fs_path(""))) == []

    return attempts


class TestHalfWay:
    def test_an_exception_in_the_with_block_publishes_nothing(self, calls, attempts):
        for name, offset in attempts():
            with pytest.raises(Broken):
                calls.write(name, _failing(offset, Broken()))

    def test_an_exception_in_a_with_block_of_text_publishes_nothing(self, calls, attempts):
        def text(offset):
            yield from (piece.decode() for piece in _pieces(offset))
            raise Broken

        for name, offset in attempts():
            with pytest.raises(Broken):
                calls.write(name, text(offset), "w")

    @pytest.mark.on("coroutine")
    def test_an_abort_that_fails_hides_no_error_of_the_block(self, space, storage, calls):
        storage.fs.server.fail("abort", ServiceError(503))
        with pytest.raises(Broken):
            calls.write("a.bin", _failing(700_001, Broken()))
        gc.collect()
        settle()
        assert space.files() == {}  # tried once more

    def test_a_dropped_file_publishes_nothing(self, calls, attempts):
        for name, offset in attempts():
            calls.drop(name, _pieces(offset))

    def test_a_dropped_text_file_publishes_nothing(self, calls, attempts):
        for name, offset in attempts():
            calls.drop(name, [piece.decode() for piece in _pieces(offset)], "w")

    def test_any_number_of_djangos_files_around_it_publish_nothing_when_one_fails(self, storage, attempts):
        for name, offset in attempts():
            file = storage.open(name, "wb")
            for _ in range(6):
                file = File(file)
            with pytest.raises(Broken), file:
                file.write(b"z" * offset)
                raise Broken

    def test_a_file_around_it_with_a_close_of_its_own_publishes_nothing_when_it_fails(
        self, storage, attempts
    ):
        def audited(close):
            def wrapper(self):
                return close(self)

            return wrapper

        class Audited(File):
            def _end(self):
                super().close()

            @audited
            def close(self):
                self._end()

        for name, offset in attempts():
            with pytest.raises(Broken), Audited(storage.open(name, "wb")) as file:
                file.write(b"z" * offset)
                raise Broken

    def test_a_file_that_is_closed_while_another_fails_is_published(self, space, storage):
        with pytest.raises(Broken), File(storage.open("failing.bin", "wb")):
            file = storage.open("other.bin", "wb")
            file.write(b"1")
            file.close()
            raise Broken
        assert space.files() == {"other.bin": b"1"}

    @pytest.mark.ours("an open file is the file itself")
    def test_a_write_that_could_not_even_begin_is_not_skipped(self, space, storage, calls):
        with pytest.raises(OSError, match="earlier write"):
            self._write_with_a_gap(storage, calls)
        gc.collect()
        settle()
        assert space.files() == {}

    def _write_with_a_gap(self, storage, calls):
        def pieces():
            yield b"1" * 10
            storage.__class__ = type("Computing", (type(storage),), {"total_timeout": property(_fail)})
            yield b"2" * 10

        if calls.colour == "sync":
            with storage.open("a.bin", "wb") as file:
                self._swallow(file.write, pieces(), storage)
        else:

            async def write():
                async with await storage.aopen("a.bin", "wb") as file:
                    for piece in pieces():
                        try:
                            await file.write(piece)
                        except Broken:
                            storage.__class__ = storage.__class__.__base__
                    await file.write(b"3" * 10)

            asyncio.run(write())

    def _swallow(self, write, pieces, storage):
        for piece in pieces:
            try:
                write(piece)
            except Broken:
                storage.__class__ = storage.__class__.__base__
        write(b"3" * 10)

    @pytest.mark.ours("an open file is the file itself")
    def test_a_file_that_is_never_closed_is_reported(self, storage, caplog):
        files = [storage.open("a.bin", "wb")]
        files[0].write(b"z" * 700_001)
        with pytest.warns(ResourceWarning, match=r"'a\.bin': nothing was published"):
            files.clear()
        assert "'a.bin' was opened for writing and never closed" in caplog.text
        settle()
        assert not storage.exists("a.bin")

    @pytest.mark.parametrize("layer", [io.TextIOWrapper, io.BufferedWriter, File])
    def test_a_wrapper_of_the_callers_own_publishes_nothing_when_it_fails(self, storage, attempts, layer):
        for name, offset in attempts():
            with pytest.raises(Broken), storage.open(name, "wb") as file:
                wrapped = layer(file)
                for piece in _pieces(offset):
                    wrapped.write(piece.decode() if layer is io.TextIOWrapper else piece)
                raise Broken
            del wrapped

    @pytest.mark.ours("Django has no filesystem below its storage")
    @pytest.mark.parametrize("mode", ["wb", "w"])
    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_the_filesystems_own_files_publish_nothing_either(self, storage, attempts, mode):
        for name, offset in attempts():
            with pytest.raises(Broken), storage.fs.open(storage.fs_path(name), mode) as file:
                for piece in _pieces(offset):
                    file.write(piece if mode == "wb" else piece.decode())
                raise Broken
            file = storage.fs.open(storage.fs_path(name), mode)
            file.write(b"dropped" if mode == "wb" else "dropped")
            del file
            gc.collect()


class _Source:
    """Content whose reading fails."""

    name = "source.bin"

    def __init__(self, chunks):
        self._chunks = chunks

    def chunks(self, chunk_size=None):
        return self._chunks


@pytest.mark.parametrize("overwriting", [False, True], ids=["keeping", "overwriting"])
class TestSources:
    @pytest.mark.parametrize("kind", [Broken, FileExistsError, FileNotFoundError, ValueError])
    def test_a_source_that_fails_publishes_nothing_and_its_error_comes_out(
        self, space, calls, attempts, overwriting, kind
    ):
        calls.storage = space.storage(allow_overwrite=overwriting)
        for name, offset in attempts():
            error = kind("of the source")  # FileExistsError of the source is no conflict of names
            with pytest.raises(kind) as caught:
                calls.save(name, _Source(_failing(offset, error)))
            assert caught.value is error

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
    def test_a_source_that_is_interrupted_publishes_nothing(self, space, attempts, overwriting, kind):
        storage = space.storage(allow_overwrite=overwriting)
        for name, offset in attempts():
            with pytest.raises(kind):
                storage.save(name, _Source(_failing(offset, kind())))

    def test_content_that_is_neither_bytes_nor_text_publishes_nothing(
        self, space, calls, attempts, overwriting
    ):
        calls.storage = space.storage(allow_overwrite=overwriting)
        for name, offset in attempts():
            with pytest.raises((TypeError, ValueError)):
                calls.save(name, _Source(iter([*_pieces(offset), object()])))


@pytest.mark.ours("Django's storages have no async API")
class TestCancellation:
    def test_a_cancelled_asave_publishes_nothing(self, space, attempts):
        storage = space.storage(allow_overwrite=True)

        async def main(name, offset):
            task = asyncio.current_task()
            loop = asyncio.get_running_loop()

            def chunks():
                yield from _pieces(offset)
                loop.call_soon_threadsafe(task.cancel)
                yield b"more"
                yield from _pieces(offset)

            await storage.asave(name, _Source(chunks()))

        for name, offset in attempts():
            with pytest.raises(asyncio.CancelledError):
                asyncio.run(main(name, offset))

    def test_cancelling_who_writes_an_async_file_publishes_nothing(self, storage, attempts):
        async def main(name, offset):
            async with await storage.aopen(name, "wb") as file:
                for piece in _pieces(offset):
                    await file.write(piece)
                asyncio.current_task().cancel()
                await file.write(b"more")
                await asyncio.sleep(0)

        for name, offset in attempts():
            with pytest.raises(asyncio.CancelledError):
                asyncio.run(main(name, offset))


class TestAfterwards:
    def test_after_a_failure_the_name_can_be_saved(self, space, calls):
        with pytest.raises(Broken):
            calls.write("a.bin", _failing(300_000, Broken()))
        with pytest.raises(Broken):
            calls.save("a.bin", _Source(_failing(300_000, Broken())))
        assert calls.put("a.bin", b"new") == "a.bin"
        assert space.files() == {"a.bin": b"new"}

    def test_a_file_being_written_is_invisible_until_it_is_closed(self, space, storage):
        storage.save("b.bin", ContentFile(b"1"))
        with storage.open("a.bin", "wb") as file:
            file.write(b"x" * 700_000)
            assert not storage.exists("a.bin")
            assert storage.listdir("") == ([], ["b.bin"])
        assert space.files() == {"a.bin": b"x" * 700_000, "b.bin": b"1"}

    def test_the_old_content_is_read_until_the_new_one_is_closed(self, space, storage):
        storage.save("a.bin", ContentFile(b"old"))
        with storage.open("a.bin", "wb") as file:
            file.write(b"x" * 700_000)
            with storage.open("a.bin") as reading:
                assert reading.read() == b"old"
        assert space.files() == {"a.bin": b"x" * 700_000}

    @pytest.mark.ours("Django's files cannot be aborted")
    def test_a_file_that_is_aborted_publishes_nothing(self, space, storage):
        file = storage.open("a.bin", "wb")
        file.write(b"x" * 700_000)
        file.abort()
        file.close()
        assert space.files() == {}
