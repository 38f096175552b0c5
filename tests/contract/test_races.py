"""Never lost: many who save one name at once get a name each, and every file holds what its saver wrote."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections import Counter

import pytest
from django.core.files.base import ContentFile

from django_fsspec_storages.filesystems import Promise
from tests.contract.racing import PATIENCE, race

THREADS = 16

#: Small, in one request; and in many pieces, so that the savers overlap.
SIZES = {"small": 10, "large": 700_000}


class Chunks:
    """Content that is neither seekable nor a file: an iterator, once."""

    def __init__(self, chunks):
        self._chunks = chunks

    def chunks(self, chunk_size=None):
        return self._chunks


def _contents(same, size, count=THREADS):
    return [(b"same" if same else b"%04d" % number) * (size // 4) for number in range(count)]


def _all_are_there(space, names, contents):
    assert len(set(names)) == len(contents)
    assert space.files() == {
        f"d/{name.removeprefix('d/')}": b for name, b in zip(names, contents, strict=True)
    }


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("same", [False, True], ids=["different", "identical"])
def test_sixteen_threads_that_save_one_name_get_a_name_each(space, storage, same, size):
    contents = _contents(same, size)
    names = race([lambda b=content: storage.save("d/a.bin", ContentFile(b)) for content in contents])
    _all_are_there(space, names, contents)
    assert "d/a.bin" in names


@pytest.mark.parametrize("same", [False, True], ids=["different", "identical"])
def test_each_thread_may_have_a_storage_of_its_own(space, same):
    contents = _contents(same, 1000)
    names = race([lambda b=b: space.storage().save("d/a.bin", ContentFile(b)) for b in contents])
    _all_are_there(space, names, contents)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("same", [False, True], ids=["different", "identical"])
@pytest.mark.ours("Django's storages have no async API")
def test_sixteen_tasks_that_save_one_name_get_a_name_each(space, storage, same, size):
    contents = _contents(same, size)

    async def save_all():
        saves = [storage.asave("d/a.bin", ContentFile(content)) for content in contents]
        return await asyncio.wait_for(asyncio.gather(*saves), PATIENCE)

    names = asyncio.run(save_all())
    _all_are_there(space, names, contents)


@pytest.mark.ours("Django's storages have no async API")
def test_sixteen_threads_with_an_event_loop_each_get_a_name_each(space, storage):
    contents = _contents(False, 1000)

    async def save(content):
        return await asyncio.wait_for(storage.asave("d/a.bin", ContentFile(content)), PATIENCE)

    names = race([lambda b=content: asyncio.run(save(b)) for content in contents])
    _all_are_there(space, names, contents)


@pytest.mark.parametrize("same", [False, True], ids=["different", "identical"])
def test_two_processes_that_save_one_name_lose_nothing(space, processes, same):
    texts = [content.decode() for content in _contents(same, 1000)]
    for process, half in zip(processes, (texts[::2], texts[1::2]), strict=True):
        process.begin("race", name="d/a.txt", contents=half)
    names = [name for process in processes for name in process.end()]
    _all_are_there(space, names, [text.encode() for text in texts[::2] + texts[1::2]])


def test_a_name_that_is_taken_while_the_content_is_read_is_not_overwritten(space, calls):
    def chunks():
        yield b"mine " * 100_000
        space.seed({"a.bin": b"theirs"})
        yield b"mine"

    name = calls.save("a.bin", Chunks(chunks()))
    assert name != "a.bin"
    assert space.files() == {"a.bin": b"theirs", name: b"mine " * 100_000 + b"mine"}


def _replaces_what_another_saves_just_before(step, space, storage, monkeypatch):
    """Save a file that another process saves too, between our check and the step that gives ours its name."""
    take, theirs = getattr(storage.fs, step), []

    def late(source, target):
        if target.endswith("/a.bin"):
            space.seed({"a.bin": b"theirs"})
            theirs.append(target)
        take(source, target)

    monkeypatch.setattr(storage.fs, step, late)
    assert storage.save("a.bin", ContentFile(b"mine")) == "a.bin"
    assert len(theirs) == 1
    assert space.files() == {"a.bin": b"mine"}


@pytest.mark.on("dir-over-local", "dir-over-memory", "simplecache")
def test_the_fallback_loses_a_name_that_another_process_takes_between_its_check_and_its_move(
    space, storage, monkeypatch
):
    _replaces_what_another_saves_just_before("move", space, storage, monkeypatch)
    assert "two among processes" in storage.deviations[Promise.EXCLUSIVE]


@pytest.mark.on("ftp", "ftp-list", "ftps")
def test_who_does_not_lock_a_name_can_lose_a_file(space, storage, monkeypatch):
    _replaces_what_another_saves_just_before("rename", space, storage, monkeypatch)
    assert "binds only those who do so too" in storage.deviations[Promise.EXCLUSIVE]


@pytest.mark.on("dir-over-local", "dir-over-memory", "simplecache")
def test_the_fallback_checks_and_moves_in_one_step_among_threads(space, storage, monkeypatch):
    move, names = storage.fs.move, []

    def late(source, target):
        monkeypatch.setattr(storage.fs, "move", move)
        other.start()
        other.join(0.3)  # it waits for us; were it not to, it would have taken the name by now
        move(source, target)

    other = threading.Thread(target=lambda: names.append(storage.save("a.bin", ContentFile(b"other"))))
    monkeypatch.setattr(storage.fs, "move", late)
    names.append(storage.save("a.bin", ContentFile(b"first")))
    other.join(PATIENCE)
    assert len(set(names)) == 2
    assert sorted(space.files().values()) == [b"first", b"other"]


def test_what_cannot_be_rewound_is_still_saved_whole_after_a_conflict(space, calls):
    class Pipe(io.RawIOBase):
        def __init__(self, content):
            self.rest = content

        def readable(self):
            return True

        def seekable(self):
            return False

        def readinto(self, buffer):
            piece, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
            buffer[: len(piece)] = piece
            return len(piece)

    calls.put("a.bin", b"first")
    content = b"second " * 100_000
    name = calls.save("a.bin", io.BufferedReader(Pipe(content)))
    assert name != "a.bin"
    assert space.files() == {"a.bin": b"first", name: content}


def test_the_exclusive_mode_gives_one_winner(space, storage):
    def write(number):
        try:
            with storage.open("a.bin", "xb") as file:
                file.write(b"%02d" % number * 500)
        except FileExistsError:
            return "taken"
        return "written"

    outcomes = Counter(race([lambda n=number: write(n) for number in range(THREADS)]))
    assert outcomes == {"written": 1, "taken": THREADS - 1}
    assert len(space.files()["a.bin"]) == 1000


@pytest.mark.on("local")
def test_a_folder_that_others_make_at_the_same_moment_is_no_trouble(space, storage, monkeypatch):
    def late(path, *mode):
        monkeypatch.undo()
        os.makedirs(os.path.dirname(path))
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "mkdir", late)
    assert storage.save("new/folder/a.bin", ContentFile(b"1")) == "new/folder/a.bin"
    assert space.files() == {"new/folder/a.bin": b"1"}


def test_sixteen_who_overwrite_leave_one_whole_file(space):
    storage = space.storage(allow_overwrite=True)
    contents = _contents(False, 300_000)
    names = race([lambda b=content: storage.save("d/a.bin", ContentFile(b)) for content in contents])
    assert set(names) == {"d/a.bin"}
    (left,) = space.files().values()
    assert left in contents


def test_sixteen_threads_of_mixed_operations_get_right_answers(space, storage):
    shared = storage.save("shared.bin", ContentFile(b"0123456789" * 30_000))
    with storage.open(
        shared
    ) as file:  # simplecache lets others read what it is still fetching for the first time
        file.read()

    def work(number):
        for turn in range(6):
            content = b"%d-%d " % (number, turn) * 100
            name = storage.save(f"own/{number}-{turn}.txt", ContentFile(content))
            assert storage.exists(name)
            assert storage.size(name) == len(content)
            with storage.open(name) as file:
                assert file.read() == content
            with storage.open(shared) as file:
                file.seek(number * 1000)
                assert file.read(10) == b"0123456789"
            assert name.rpartition("/")[2] in storage.listdir("own")[1]
            storage.delete(name)
            assert not storage.exists(name)
        return True

    assert race([lambda n=number: work(n) for number in range(THREADS)]) == [True] * THREADS
    assert set(space.files()) == {"shared.bin"}
