"""Fresh: what others wrote, changed or deleted is seen at once."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from django_fsspec_storages.filesystems import Promise


@pytest.mark.promise(Promise.FRESH)
def test_what_others_wrote_and_changed_is_seen_at_once(space, seed, calls):
    seed({"d/a.txt": b"1", "d/z.txt": b""})
    assert not calls.exists("d/b.txt")
    assert calls.read("d/a.txt") == b"1"
    assert sorted(calls.listdir("d")[1]) == ["a.txt", "z.txt"]
    seed({"d/b.txt": b"new", "d/a.txt": b"changed"})
    assert calls.exists("d/b.txt")
    assert calls.size("d/b.txt") == 3
    assert calls.size("d/a.txt") == 7
    assert sorted(calls.listdir("d")[1]) == ["a.txt", "b.txt", "z.txt"]
    assert calls.read("d/b.txt") == b"new"
    assert calls.read("d/a.txt") == b"changed"


@pytest.mark.promise(Promise.FRESH)
def test_two_storages_see_each_others_files(space, calls):
    other = space.storage(allow_overwrite=True)
    calls.put("a.txt", b"first")
    with other.open("a.txt") as file:
        assert file.read() == b"first"
    with other.open("a.txt", "wb") as file:
        file.write(b"the second")
    assert calls.read("a.txt") == b"the second"
    other.delete("a.txt")
    assert not calls.exists("a.txt")
    assert calls.listdir("") == ([], [])


def test_what_a_second_process_does_is_seen_at_once(processes, storage):
    first, _ = processes
    assert not storage.exists("a.txt")
    first.do("save", name="a.txt", content="from afar")
    assert storage.exists("a.txt")
    assert storage.size("a.txt") == 9
    assert storage.listdir("") == ([], ["a.txt"])
    with storage.open("a.txt") as file:
        assert file.read() == b"from afar"
    first.do("delete", name="a.txt")
    assert not storage.exists("a.txt")
    assert storage.listdir("") == ([], [])
    storage.save("b.txt", ContentFile(b"from here"))
    assert first.do("facts", name="b.txt") == [True, 9, ["b.txt"]]
    assert first.do("read", name="b.txt") == "from here"
