"""Open files, written: every mode is honoured or refused at ``open``."""

from __future__ import annotations

import io
import tempfile
from array import array

import pytest
from django.core.files.base import ContentFile


class TestModes:
    def test_w_replaces_and_x_does_not(self, space, calls):
        calls.write("a.txt", [b"first"], "wb")
        calls.write("a.txt", [b"2"], "wb")
        with pytest.raises(FileExistsError):
            calls.write("a.txt", [b"third"], "xb")
        calls.write("b.txt", [b"new"], "xb")
        assert space.files() == {"a.txt": b"2", "b.txt": b"new"}

    def test_w_replaces_with_overwriting_off_and_x_refuses_with_overwriting_on(self, space, calls):
        calls.storage = space.storage(allow_overwrite=True)
        calls.write("a.txt", [b"first"], "xb")
        with pytest.raises(FileExistsError):
            calls.write("a.txt", [b"second"], "xb")
        assert space.files() == {"a.txt": b"first"}

    @pytest.mark.ours("Django's own storage writes to the file itself")
    def test_what_is_being_written_cannot_seek_and_says_so(self, space, storage):
        with storage.open("a.txt", "wb") as file:
            file.write(b"abc")
            assert not file.seekable()
            with pytest.raises(io.UnsupportedOperation):
                file.seek(0)
            assert file.tell() == 3
        with tempfile.SpooledTemporaryFile(max_size=10) as file:  # the way out
            file.write(b"?" * 20)
            file.seek(0)
            file.write(b"!")
            storage.save("b.txt", file)
        assert space.files() == {"a.txt": b"abc", "b.txt": b"!" + b"?" * 19}

    @pytest.mark.parametrize("mode", ["w", "wt", "x", "xt"])
    def test_text_is_stored_as_utf_8_whatever_the_locale(self, space, calls, mode):
        calls.write("a.txt", ["h€llo\n", "", "wörld\n"], mode)
        assert space.files() == {"a.txt": "h€llo\nwörld\n".encode()}
        assert calls.read("a.txt", "r") == "h€llo\nwörld\n"

    @pytest.mark.parametrize("mode", ["", "b", "q", "rw", "wx", "rbt", "wbt", "rr", "bb", "U", "wa", "r b"])
    def test_what_is_no_mode_is_a_value_error(self, space, calls, mode):
        calls.put("a.txt", b"1")
        for name in ("a.txt", "b.txt"):
            with pytest.raises(ValueError, match="mode|must have|binary|can't have"):
                calls.read(name, mode)
            with pytest.raises(ValueError, match="mode|must have|binary|can't have"):
                calls.write(name, [], mode)
        assert space.files() == {"a.txt": b"1"}

    @pytest.mark.parametrize(
        "mode", ["a", "ab", "at", "r+", "r+b", "rb+", "w+", "wb+", "x+", "xb+", "a+", "ab+"]
    )
    def test_a_change_in_place_is_honoured_or_refused_at_open_and_never_lossy(self, space, calls, mode):
        calls.put("a.txt", b"first ")
        name = "b.txt" if "x" in mode else "a.txt"
        opened = []

        def pieces():
            opened.append(mode)
            yield b"second" if "b" in mode else "second"

        try:
            calls.write(name, pieces(), mode)
        except ValueError as error:
            assert repr(mode) in str(error)
            assert not opened
            assert space.files() == {"a.txt": b"first "}
        else:
            expected = {"a": b"first second", "r": b"second", "w": b"second", "x": b"second"}[mode[0]]
            assert space.files() == {"a.txt": b"first "} | {name: expected}


class TestWriting:
    def test_many_small_writes_make_one_file(self, space, calls):
        calls.write("a.bin", (b"%06d\n" % number for number in range(5_000)))
        assert space.files() == {"a.bin": b"".join(b"%06d\n" % number for number in range(5_000))}

    def test_writes_of_every_size_make_one_file(self, space, calls):
        pieces = [
            bytes([65 + number % 26]) * size
            for number, size in enumerate([0, 1, 300_000, 2, 0, 65_536, 700_001])
        ]
        calls.write("a.bin", pieces)
        assert space.files() == {"a.bin": b"".join(pieces)}

    def test_a_file_without_a_write_is_empty(self, space, calls):
        calls.write("a.bin", [])
        calls.write("b.txt", [], "w")
        assert space.files() == {"a.bin": b"", "b.txt": b""}

    @pytest.mark.parametrize("piece", [bytearray(b"abc"), memoryview(b"abc"), array("B", b"abc")])
    def test_whatever_holds_bytes_can_be_written(self, space, calls, piece):
        calls.write("a.bin", [piece])
        assert len(space.files()["a.bin"]) == 3

    def test_what_was_given_may_be_changed_by_its_owner_afterwards(self, space, calls):
        buffer = bytearray(b"first ")

        def pieces():
            yield buffer
            buffer[:] = b"second"
            yield buffer

        calls.write("a.bin", pieces())
        assert space.files() == {"a.bin": b"first second"}

    def test_a_file_opened_for_writing_gets_its_folders(self, space, calls):
        calls.write("new/folder/a.bin", [b"1"])
        assert space.files() == {"new/folder/a.bin": b"1"}

    def test_below_a_file_nothing_can_be_written(self, space, backend, calls):
        calls.put("a.txt", b"1")
        if backend.folders:
            with pytest.raises((NotADirectoryError, FileExistsError)):
                calls.put("a.txt/b.txt")
            with pytest.raises((NotADirectoryError, FileExistsError)):
                calls.write("a.txt/b.txt", [b"2"])
            assert space.files() == {"a.txt": b"1"}
        else:
            assert calls.put("a.txt/b.txt", b"2") == "a.txt/b.txt"

    def test_over_a_folder_nothing_can_be_written(self, space, backend, calls):
        calls.put("d/b.txt", b"1")
        if backend.folders:
            with pytest.raises(IsADirectoryError):
                calls.write("d", [b"2"])
            assert space.files() == {"d/b.txt": b"1"}
            assert calls.put("d", b"2") != "d"
        else:
            assert calls.put("d", b"2") == "d"

    def test_a_writer_tells_where_it_is_and_cannot_read(self, storage):
        with storage.open("a.bin", "wb") as file:
            assert file.tell() == 0
            assert file.write(b"12345") == 5
            file.write(b"x" * 300_000)
            file.flush()
            assert file.tell() == 300_005
            assert file.writable()
            assert not file.readable()
            assert not file.closed
            with pytest.raises(OSError, match="read|not readable"):
                file.read()
        assert file.closed

    def test_a_reader_cannot_write(self, space, storage):
        storage.save("a.bin", ContentFile(b"1"))
        with storage.open("a.bin") as file, pytest.raises(OSError, match="write|not writable"):
            file.write(b"2")
        assert space.files() == {"a.bin": b"1"}

    def test_a_closed_file_refuses_and_closing_it_again_does_nothing(self, space, storage):
        file = storage.open("a.bin", "wb")
        file.write(b"1")
        file.close()
        file.close()
        with pytest.raises(ValueError, match="closed"):
            file.write(b"2")
        storage.delete("a.bin")
        file.close()
        assert space.files() == {}

    def test_writelines_and_print_work(self, space, storage):
        with storage.open("a.txt", "w") as file:
            file.writelines(["a\n", "b\n"])
            print("c", "d", file=file)
        assert space.files() == {"a.txt": b"a\nb\nc d\n"}

    @pytest.mark.ours("a file of Django's refuses text in binary mode")
    def test_djangos_habit_of_writing_text_to_binary_files_works(self, space, storage):
        with storage.open("a.txt", "wb") as file:
            file.write("€")
        assert space.files() == {"a.txt": "€".encode()}

    def test_the_size_of_a_file_that_was_written_is_known(self, storage):
        with storage.open("a.bin", "wb") as file:
            file.write(b"12345")
        assert file.size == 5
