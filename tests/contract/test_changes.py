"""A file that changes while it is being read is an error or stays as it was: never a mixture."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems import Promise

OLD, NEW = b"o" * 3_000_000, b"n" * 3_000_000
SHORTER, LONGER = b"s" * 2_000_000, b"l" * 4_000_000

REPLACEMENTS = pytest.mark.parametrize("new", [NEW, SHORTER, LONGER], ids=["same-size", "shorter", "longer"])


@pytest.fixture
def seed_old(space, seed):
    """Seed a file; where its time tells that it changed, as of long ago: within a tick of the clock it would not."""
    seed({"a.bin": OLD})
    if space.backend.protocol in ("file", "http"):
        os.utime(space.disk / "outer/location/a.bin", (0, 0))


def _is_old_or_an_error(read):
    try:
        content = read()
    except FileChangedError as error:
        assert error.filename == "a.bin"
        return
    assert content == OLD


@REPLACEMENTS
@pytest.mark.parametrize("before", [0, 1, 1_000_000])
def test_a_file_that_is_replaced_while_it_is_read(seed_old, seed, storage, new, before):
    def read():
        with storage.open("a.bin") as file:
            first = file.read(before)
            seed({"a.bin": new})
            return first + file.read()

    _is_old_or_an_error(read)


@REPLACEMENTS
@pytest.mark.parametrize("before", [0, 1, 1_000_000])
@pytest.mark.ours("Django's storages have no async API")
def test_a_file_that_is_replaced_while_it_is_read_in_async(seed_old, seed, storage, new, before):
    async def read():
        async with await storage.aopen("a.bin") as file:
            first = await file.read(before)
            await asyncio.to_thread(seed, {"a.bin": new})
            return first + await file.read()

    _is_old_or_an_error(lambda: asyncio.run(read()))


@REPLACEMENTS
@pytest.mark.ours("Django's storages have no streams")
def test_a_file_that_is_replaced_while_it_is_streamed(seed_old, seed, storage, new):
    def read():
        with storage.open_stream("a.bin") as stream:
            first = next(stream)
            seed({"a.bin": new})
            return first + b"".join(stream)

    _is_old_or_an_error(read)


@pytest.mark.on("http")
def test_a_server_without_tags_hides_a_change_that_keeps_the_size(space, storage):
    space.seed({"a.untagged": OLD * 5})
    with storage.open("a.untagged") as file:
        first = file.read(1_000_000)
        space.seed({"a.untagged": NEW * 5})
        content = first + file.read()
    assert set(content) == {ord("o"), ord("n")}
    assert "size, time or tag" in storage.deviations[Promise.STEADY]


@pytest.mark.on("local")
def test_a_file_that_is_changed_in_place_is_an_error(seed_old, space, storage):
    with storage.open("a.bin") as file:
        file.read(1_000_000)
        with (space.disk / "outer/location/a.bin").open("r+b") as changing:
            changing.write(NEW[:2_000_000])
        with pytest.raises(FileChangedError):
            file.read()


@pytest.mark.on("sftp", "sftp-openssh", "sftp-plain", "ftp", "ftp-list", "ftps")
def test_a_change_in_place_that_keeps_size_and_time_is_not_seen(space, storage):
    path = space.disk / "outer/location/a.bin"

    def changed_while_it_is_read():
        space.seed({"a.bin": OLD * 10})
        os.utime(path, (1_700_000_000, 1_700_000_000))
        with storage.open("a.bin") as file:
            first = file.read(1_000_000)
            with path.open("r+b") as changing:
                changing.write(NEW * 10)
            os.utime(path, (1_700_000_000, 1_700_000_000))
            return first + file.read()

    content = b""
    for _ in range(20):  # what is read ahead may look just while the time is another
        with suppress(FileChangedError):
            content = changed_while_it_is_read()
            break
    assert set(content) == {ord("o"), ord("n")}
    assert "change in place" in storage.deviations[Promise.STEADY]
