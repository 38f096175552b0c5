"""The Storage API: what Django and other apps call."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile


class TestSaving:
    def test_a_saved_file_can_be_asked_for_everything(self, calls):
        assert calls.save("a/b.txt", ContentFile(b"hello")) == "a/b.txt"
        assert calls.exists("a/b.txt")
        assert calls.size("a/b.txt") == 5
        assert calls.read("a/b.txt") == b"hello"
        assert calls.listdir("a") == ([], ["b.txt"])

    def test_a_taken_name_gives_another_one_and_both_files_stay(self, calls):
        first, second = calls.put("a.txt", b"first"), calls.put("a.txt", b"second")
        assert first == "a.txt"
        assert second.startswith("a_")
        assert second.endswith(".txt")
        assert (calls.read(first), calls.read(second)) == (b"first", b"second")

    def test_with_overwriting_on_a_save_replaces(self, space, calls):
        calls.storage = space.storage(allow_overwrite=True)
        assert calls.put("a.txt", b"a longer first") == "a.txt"
        assert calls.put("a.txt", b"second") == "a.txt"
        assert calls.read("a.txt") == b"second"
        assert space.files() == {"a.txt": b"second"}

    def test_keywords_are_the_ones_that_django_documents(self, calls):
        assert calls.save(name="a.txt", content=ContentFile(b"1"), max_length=None) == "a.txt"
        assert calls.exists(name="a.txt")
        assert calls.listdir(path="") == ([], ["a.txt"])
        calls.delete(name="a.txt")
        assert not calls.exists(name="a.txt")

    def test_open_takes_its_keywords_too(self, storage):
        storage.save("a.txt", ContentFile(b"1"))
        with storage.open(name="a.txt", mode="rb") as file:
            assert file.read() == b"1"

    def test_without_a_name_the_contents_own_is_taken(self, calls):
        assert calls.save(None, ContentFile(b"1", name="own.txt")) == "own.txt"

    def test_a_path_object_is_a_name(self, calls):
        assert calls.save(Path("a") / "b.txt", ContentFile(b"1")) == "a/b.txt"
        assert calls.exists(Path("a/b.txt"))
        assert calls.listdir(Path("a")) == ([], ["b.txt"])

    def test_backslashes_come_back_as_slashes(self, calls):
        assert calls.put("a\\b.txt") == "a/b.txt"

    def test_an_empty_file_is_a_file(self, calls):
        calls.put("empty", b"")
        assert calls.exists("empty")
        assert calls.size("empty") == 0
        assert calls.read("empty") == b""

    def test_max_length_shortens_the_name_and_keeps_its_extension(self, calls):
        name = calls.save("d/" + "x" * 80 + ".txt", ContentFile(b"1"), max_length=30)
        assert len(name) <= 30
        assert name.startswith("d/x")
        assert name.endswith(".txt")
        again = calls.save(name, ContentFile(b"2"), max_length=30)
        assert len(again) <= 30
        assert again != name

    def test_a_name_that_cannot_be_shortened_is_refused(self, space, calls):
        with pytest.raises(SuspiciousFileOperation):
            calls.save("directory/a.txt", ContentFile(b"1"), max_length=10)
        assert space.files() == {}

    def test_names_of_other_characters_fit_the_filesystem(self, calls):
        name = calls.put("ü" * 120 + ".txt", b"1")
        again = calls.put(name, b"2")
        assert again != name
        assert calls.read(again) == b"2"


class TestDeleting:
    def test_a_deleted_file_is_gone_and_others_stay(self, space, calls):
        calls.put("a/1.txt", b"1")
        calls.put("a/2.txt", b"2")
        calls.delete("a/1.txt")
        assert not calls.exists("a/1.txt")
        assert space.files() == {"a/2.txt": b"2"}

    def test_deleting_what_is_not_there_is_silent(self, calls):
        calls.put("a.txt")
        calls.delete("never.txt")
        calls.delete("never/was.txt")

    def test_deleting_what_would_be_below_a_file_is_silent(self, calls):
        calls.put("a.txt")
        calls.delete("a.txt/b.txt")
        assert calls.exists("a.txt")

    def test_deleting_without_a_name_is_an_error(self, calls):
        with pytest.raises(ValueError, match="name must be given"):
            calls.delete("")

    def test_deleting_the_location_itself_is_refused(self, space, calls):
        calls.put("a.txt")
        before = space.world()
        for name in (".", "./", "./."):
            with pytest.raises(SuspiciousFileOperation):
                calls.delete(name)
        assert space.world() == before

    def test_an_empty_folder_can_be_deleted_where_folders_exist(self, backend, calls):
        calls.put("folder/a.txt")
        calls.delete("folder/a.txt")
        calls.delete("folder")
        assert not calls.exists("folder")

    def test_a_folder_with_files_is_not_deleted(self, space, backend, calls):
        calls.put("folder/a.txt", b"1")
        if backend.folders:
            with pytest.raises(OSError, match="[Nn]ot empty"):
                calls.delete("folder")
        else:
            calls.delete("folder")
        assert space.files() == {"folder/a.txt": b"1"}


class TestAsking:
    def test_what_is_not_there_does_not_exist(self, seed, calls):
        seed({"a.txt": b"1"})
        assert calls.exists("a.txt")
        assert not calls.exists("b.txt")
        assert not calls.exists("a.txt/b.txt")
        assert not calls.exists("no/such/folder.txt")

    def test_the_location_exists_and_can_be_listed(self, seed, calls):
        seed({"a.txt": b"1", "d/b.txt": b"2"})
        assert calls.exists("")
        folders, files = calls.listdir("")
        assert (sorted(folders), sorted(files)) == (["d"], ["a.txt"])

    def test_a_folder_exists_where_folders_do(self, seed, backend, calls):
        seed({"d/b.txt": b"2"})
        assert calls.exists("d") is backend.folders

    def test_a_missing_folder_is_an_error_where_folders_exist(self, seed, backend, calls):
        seed({"d/b.txt": b"2"})
        if backend.folders:
            with pytest.raises(FileNotFoundError):
                calls.listdir("missing")
        else:
            assert calls.listdir("missing") == ([], [])

    def test_what_is_missing_is_a_file_not_found_error_that_names_it(self, seed, calls):
        seed({"a.txt": b"1"})
        for method in ("size", "get_modified_time", "read"):
            with pytest.raises((FileNotFoundError, NotImplementedError)) as caught:
                getattr(calls, method)("missing.txt")
            assert "missing.txt" in str(caught.value) or isinstance(caught.value, NotImplementedError)

    def test_opening_a_missing_file_fails_at_open_and_not_at_read(self, seed, storage):
        seed({"a.txt": b"1"})
        with pytest.raises(FileNotFoundError):
            storage.open("missing.txt")

    def test_size_is_in_bytes(self, seed, calls):
        seed({"a.txt": "€uro".encode()})
        assert calls.size("a.txt") == 6
