"""Listings: in the order of paths, in pages, from where one likes."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from django_fsspec_storages.filesystems import Facts
from tests.nodjango.conftest import Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.filesystems import filesystem_for

# Where "/" sorts among other characters matters: "-" and "." come before it, "0" after.
TREE = ["a-b", "a.txt", "a/b", "a/b-c/d", "a/b.c", "a/z", "a0", "b/c/d/e", "b0/c", "ä/ö", "z"]


@pytest.fixture
def tree(place: Place) -> Place:
    for name in reversed(TREE):
        place.write(name, name.encode())
    return place


def listed(place: Place, path: str = "", delimiter: str | None = None, **options: object) -> list[Facts]:
    where = f"{place.root}/{path}" if path else place.root
    return [facts for page in place.filesystem.scan(where, delimiter, **options) for facts in page]


def below(place: Place, facts: list[Facts]) -> list[str]:
    return [found.path.removeprefix(place.root + "/") for found in facts]


def test_a_tree_is_listed_in_the_order_of_paths(tree: Place) -> None:
    assert below(tree, listed(tree)) == sorted(TREE)
    assert {facts.type for facts in listed(tree)} == {"file"}


def test_the_facts_of_a_listing_are_those_of_the_file(tree: Place) -> None:
    for facts in listed(tree):
        alone = tree.filesystem.inspect(facts.path)
        assert facts.size == alone.size == len(facts.path.removeprefix(tree.root + "/").encode())
        assert facts.modified in (alone.modified, None)
        assert facts.version == alone.version or facts.modified is None


def test_without_details_names_and_types_are_the_same(tree: Place) -> None:
    for delimiter in ("/", None):
        with_details = [(facts.path, facts.type) for facts in listed(tree, delimiter=delimiter)]
        without = [(facts.path, facts.type) for facts in listed(tree, delimiter=delimiter, details=False)]
        assert sorted(without) == sorted(with_details)


def test_one_level_names_files_and_folders(tree: Place) -> None:
    found = {
        name: facts.type
        for name, facts in zip(below(tree, listed(tree, "", "/")), listed(tree, "", "/"), strict=True)
    }
    assert found == {
        **dict.fromkeys(("a-b", "a.txt", "a0", "z"), "file"),
        **dict.fromkeys(("a", "b", "b0", "ä"), "directory"),
    }
    assert sorted(below(tree, listed(tree, "a", "/"))) == ["a/b", "a/b-c", "a/b.c", "a/z"]


@pytest.mark.parametrize(
    "start", ["", "a", "a-", "a-b", "a/", "a/b", "a/b-c", "a/b-c/d", "a/bb", "a0", "b/c", "zz"]
)
def test_a_tree_is_listed_from_where_one_likes(tree: Place, start: str) -> None:
    found = below(tree, listed(tree, start_after=tree.path(start)))
    assert found == [name for name in sorted(TREE) if name > start]


def test_one_level_is_listed_from_where_one_likes(tree: Place) -> None:
    found = below(tree, listed(tree, delimiter="/", start_after=tree.path("a0")))
    assert sorted(found) == ["b", "b0", "z", "ä"]


def test_a_listing_may_go_on_where_another_ended(tree: Place) -> None:
    found: list[str] = []
    while page := listed(tree, start_after=tree.path(found[-1]) if found else None)[:3]:
        found += below(tree, page)
    assert found == sorted(TREE)


def test_a_sibling_whose_name_begins_alike_is_not_below(tree: Place) -> None:
    assert below(tree, listed(tree, "b")) == ["b/c/d/e"]
    assert below(tree, listed(tree, "b", "/")) == ["b/c"]


def test_a_missing_folder_is_an_error_where_folders_exist_and_empty_where_not(place: Place) -> None:
    for delimiter in ("/", None):
        if place.filesystem.has_folders:
            with pytest.raises(FileNotFoundError):
                listed(place, "missing", delimiter)
        else:
            assert listed(place, "missing", delimiter) == []


def test_nothing_is_asked_before_the_first_page(place: Place) -> None:
    scan = place.filesystem.scan(place.path("later"))
    place.write("later/a", b"1")
    assert [facts.path for page in scan for facts in page] == [place.path("later/a")]


def test_async_iteration_gives_the_same(tree: Place) -> None:
    async def gather() -> list[Facts]:
        return [facts async for page in tree.filesystem.scan(tree.root) for facts in page]

    assert asyncio.run(gather()) == listed(tree)


def test_a_large_folder_comes_in_pages_and_is_complete(place: Place) -> None:
    names = [f"{number:04}" for number in range(1234)]
    for name in names:
        place.write(f"many/{name}", b"")
    pages = list(place.filesystem.scan(place.path("many")))
    assert [facts.path for page in pages for facts in page] == [place.path(f"many/{name}") for name in names]
    assert sum(len(page) for page in place.filesystem.scan(place.path("many"), "/")) == 1234
    assert all(pages)


def test_pages_are_small_and_fetched_one_by_one(tmp_path: Path, costore: CoroutineMemoryFileSystem) -> None:
    for number in range(250):
        costore.pipe_file(f"{number:03}", b"")
        costore.pipe_file(f"folder{number}/a", b"")
    for delimiter, requests in ((None, 5), ("/", 5)):
        costore.server.requests.clear()
        pages = iter(costore.scan("", delimiter))
        next(pages)
        assert costore.server.requests == {"list": 1}
        assert sum(len(page) for page in pages) == 400
        assert costore.server.requests == {"list": requests}


def test_pages_of_the_local_disk_are_bounded(tmp_path: Path) -> None:
    for number in range(1001):
        (tmp_path / f"{number}").touch()
    scan = filesystem_for("file").scan(str(tmp_path))
    assert [len(page) for page in scan] == [1000, 1]


def test_a_file_that_goes_while_listing_is_left_out(tmp_path: Path) -> None:
    for number in range(1002):
        (tmp_path / f"{number:04}").touch()
    pages = iter(filesystem_for("file").scan(str(tmp_path)))
    next(pages)
    os.remove(tmp_path / "1000")
    assert [facts.path for facts in next(pages)] == [f"{tmp_path}/1001"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_goes_while_listing_is_left_out(tmp_path: Path, replaced: bool) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}").touch()
    for name in ("folder", "last"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").touch()
    pages = iter(filesystem_for("file").scan(str(tmp_path)))
    next(pages)
    shutil.rmtree(tmp_path / "folder")
    if replaced:
        (tmp_path / "folder").touch()
    assert [facts.path for page in pages for facts in page] == [f"{tmp_path}/last/a"]


def test_links_are_listed_and_not_followed_down(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").touch()
    os.symlink("real", tmp_path / "link")
    os.symlink("..", tmp_path / "real" / "up")
    os.symlink("nowhere", tmp_path / "dangling")
    found = [
        f.path.removeprefix(f"{tmp_path}/")
        for page in filesystem_for("file").scan(str(tmp_path))
        for f in page
    ]
    assert found == ["dangling", "link", "real/a", "real/up"]
