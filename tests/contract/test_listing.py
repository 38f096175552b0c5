"""Listings: complete, without temporary names, one level at a time, however long."""

from __future__ import annotations

import asyncio

import pytest

NAMES = [f"{number:04}.txt" for number in range(1_200)]


def test_more_than_a_thousand_files_and_folders_are_listed_once_each(seed, calls):
    seed({f"d/{name}": b"" for name in NAMES} | {f"d/{name}-folder/a": b"" for name in NAMES[:150]})
    folders, files = calls.listdir("d")
    assert sorted(files) == NAMES
    assert sorted(folders) == [f"{name}-folder" for name in NAMES[:150]]


def test_only_one_level_is_listed(seed, calls):
    seed({"a.txt": b"", "d/b.txt": b"", "d/e/c.txt": b"", "d/e/f/g.txt": b"", "dd/h.txt": b""})
    listed = [tuple(map(sorted, calls.listdir(path))) for path in ("", "d", "d/e", "d/", "./d/e/")]
    assert listed == [
        (["d", "dd"], ["a.txt"]),
        (["e"], ["b.txt"]),
        (["f"], ["c.txt"]),
        (["e"], ["b.txt"]),
        (["f"], ["c.txt"]),
    ]


def test_a_folder_is_no_other_that_begins_alike(seed, calls):
    seed({"ab/1.txt": b"", "abc/2.txt": b"", "ab.txt": b"", "ab d/3.txt": b"", "ab-/4.txt": b""})
    assert calls.listdir("ab") == ([], ["1.txt"])
    assert not calls.exists("a")


def test_a_file_is_no_folder(seed, backend, calls):
    seed({"a.txt": b"1"})
    if backend.folders:
        with pytest.raises(NotADirectoryError):
            calls.listdir("a.txt")
    else:
        assert calls.listdir("a.txt") == ([], [])


def test_a_walk_finds_everything(seed, calls):
    files = {f"{a}/{b}/{c}.txt": b"" for a in "ab" for b in "cd" for c in "ef"}
    seed(files)

    def walk(path):
        folders, names = calls.listdir(path)
        for name in names:
            yield f"{path}{name}"
        for folder in folders:
            yield from walk(f"{path}{folder}/")

    assert sorted(walk("")) == sorted(files)


#: What others may have put there: nothing that a storage is asked by leads to it.
UNREACHABLE = ["...", "a\\b.txt", "a\x01b.txt", " .. "]


@pytest.mark.ours("Django's own storage gives out what it then refuses")
def test_what_no_name_leads_to_is_not_listed(seed, backend, calls):
    wrong = [f"d/{name}" for name in UNREACHABLE] + [f"d/{name}/b.txt" for name in UNREACHABLE]
    if backend.folders:  # a file is no folder
        wrong = wrong[: len(UNREACHABLE)]
    else:
        wrong += ["d/./b.txt", "d/../b.txt", "./b.txt"]
    seed(dict.fromkeys([*wrong, "d/c.txt", "d/e/f.txt"], b""))
    assert calls.listdir("") == (["d"], [])
    assert calls.listdir("d") == (["e"], ["c.txt"])


@pytest.mark.ours("Django's storages have no filesystem")
def test_the_filesystems_scan_is_in_pages_and_goes_on_after_a_name(seed, storage):
    seed({f"d/{name}": name.encode() for name in NAMES} | {"d/sub/x": b"1", "e": b""})
    root = storage.fs_path("d")
    pages = list(storage.fs.scan(root))
    found = {facts.path.removeprefix(root + "/"): facts for page in pages for facts in page}
    assert sorted(found) == sorted([*NAMES, "sub/x"])
    assert all(facts.type == "file" for facts in found.values())
    later = [
        facts.path for page in storage.fs.scan(root, start_after=f"{root}/{NAMES[1000]}") for facts in page
    ]
    assert sorted(later) == sorted(f"{root}/{name}" for name in [*NAMES[1001:], "sub/x"])

    async def scanned():
        return [facts.path async for page in storage.fs.scan(root) for facts in page]

    assert sorted(asyncio.run(scanned())) == sorted(facts.path for facts in found.values())


@pytest.mark.ours("Django's storages have no filesystem")
@pytest.mark.writes
def test_unfinished_uploads_are_not_listed(storage, calls):
    calls.put("d/a.txt")
    with storage.open("d/b.bin", "wb") as file:
        file.write(b"x" * 700_000)
        assert calls.listdir("d") == ([], ["a.txt"])
        assert not calls.exists("d/b.bin")
    assert sorted(calls.listdir("d")[1]) == ["a.txt", "b.bin"]
