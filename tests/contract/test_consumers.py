"""Files of a storage are handed to whatever reads and writes files."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import pickle
import shutil
import tarfile
import zipfile

import pytest
from django.core.files.base import ContentFile, File
from PIL import Image


def _png(size=(300, 200)):
    image = io.BytesIO()
    Image.effect_noise(size, 80).save(image, "PNG")
    return image.getvalue()


class TestReading:
    def test_pillow(self, seed, storage):
        seed({"a.png": _png()})
        with storage.open("a.png") as file, Image.open(file) as image:
            image.load()
            assert image.size == (300, 200)

    def test_csv(self, seed, storage):
        seed({"a.csv": "name,city\nÄnne,Köln\n".encode()})
        with storage.open("a.csv", "r") as file:
            assert list(csv.DictReader(file)) == [{"name": "Änne", "city": "Köln"}]

    def test_csv_over_a_wrapper_of_the_callers_own(self, seed, storage):
        seed({"a.csv": "name,city\nÄnne,Köln\n".encode()})
        with storage.open("a.csv") as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
            assert list(csv.reader(text)) == [["name", "city"], ["Änne", "Köln"]]

    def test_zipfile(self, seed, storage):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("a.txt", "a" * 100_000)
            zipped.writestr("b.txt", "b")
        seed({"a.zip": archive.getvalue()})
        with storage.open("a.zip") as file, zipfile.ZipFile(file) as zipped:
            assert zipped.testzip() is None
            assert zipped.read("b.txt") == b"b"

    def test_tarfile_and_gzip(self, seed, storage):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            entry = tarfile.TarInfo("a.txt")
            entry.size = 5
            tar.addfile(entry, io.BytesIO(b"hello"))
        seed({"a.tar.gz": archive.getvalue()})
        with storage.open("a.tar.gz") as file, tarfile.open(fileobj=file) as tar:
            assert tar.extractfile("a.txt").read() == b"hello"
        with storage.open("a.tar.gz") as file, gzip.open(file) as unzipped:
            assert b"hello" in unzipped.read()

    def test_copyfileobj(self, seed, storage):
        seed({"a.bin": b"x" * 700_000})
        copy = io.BytesIO()
        with storage.open("a.bin") as file:
            shutil.copyfileobj(file, copy)
        assert copy.getvalue() == b"x" * 700_000

    def test_json_and_pickle(self, seed, storage):
        seed({"a.json": b'{"a": [1]}', "a.pickle": pickle.dumps({"a": [1]})})
        with storage.open("a.json") as file:
            assert json.load(file) == {"a": [1]}
        with storage.open("a.pickle") as file:
            assert pickle.load(file) == {"a": [1]}

    def test_a_buffered_reader_and_djangos_own_file(self, seed, storage):
        seed({"a.txt": b"one\ntwo\n"})
        with storage.open("a.txt") as file, io.BufferedReader(file) as buffered:
            assert buffered.readlines() == [b"one\n", b"two\n"]
        with storage.open("a.txt") as file:
            assert list(File(file).chunks(3)) == [b"one", b"\ntw", b"o\n"]

    def test_pandas(self, seed, storage):
        pandas = pytest.importorskip("pandas")
        seed({"a.csv": b"a,b\n1,2\n"})
        with storage.open("a.csv") as file:
            assert pandas.read_csv(file).to_dict("list") == {"a": [1], "b": [2]}


class TestWriting:
    def test_pillow(self, space, storage):
        with storage.open("a.png", "wb") as file:
            Image.effect_noise((300, 200), 80).save(file, "PNG")
        with Image.open(io.BytesIO(space.files()["a.png"])) as image:
            assert image.size == (300, 200)

    def test_csv(self, space, storage):
        with storage.open("a.csv", "w") as file:
            csv.writer(file).writerows([["name", "city"], ["Änne", "Köln"]])
        assert space.files()["a.csv"].decode().split() == ["name,city", "Änne,Köln"]

    def test_zipfile(self, space, storage):
        with storage.open("a.zip", "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("a.txt", "a" * 100_000)
            zipped.writestr("b.txt", "b")
        with zipfile.ZipFile(io.BytesIO(space.files()["a.zip"])) as zipped:
            assert zipped.testzip() is None
            assert zipped.read("b.txt") == b"b"

    def test_tarfile(self, space, storage):
        with storage.open("a.tar.gz", "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            entry = tarfile.TarInfo("a.txt")
            entry.size = 5
            tar.addfile(entry, io.BytesIO(b"hello"))
        with tarfile.open(fileobj=io.BytesIO(space.files()["a.tar.gz"])) as tar:
            assert tar.extractfile("a.txt").read() == b"hello"

    def test_gzip_and_bz2(self, space, storage):
        with storage.open("a.gz", "wb") as file, gzip.open(file, "wb") as zipped:
            zipped.write(b"a" * 700_000)
        with storage.open("a.bz2", "wb") as file, bz2.open(file, "wt") as zipped:
            zipped.write("text")
        assert gzip.decompress(space.files()["a.gz"]) == b"a" * 700_000
        assert bz2.decompress(space.files()["a.bz2"]) == b"text"

    def test_copyfileobj_from_one_file_to_another(self, space, storage):
        storage.save("a.bin", ContentFile(b"x" * 700_000))
        with storage.open("a.bin") as source, storage.open("b.bin", "wb") as target:
            shutil.copyfileobj(source, target)
        assert space.files()["b.bin"] == b"x" * 700_000

    def test_json_and_pickle(self, space, storage):
        with storage.open("a.json", "w") as file:
            json.dump({"a": [1]}, file)
        with storage.open("a.pickle", "wb") as file:
            pickle.dump({"a": [1]}, file)
        assert json.loads(space.files()["a.json"]) == {"a": [1]}
        assert pickle.loads(space.files()["a.pickle"]) == {"a": [1]}

    def test_a_text_wrapper_of_the_callers_own_that_ends_well_is_published(self, space, storage):
        with storage.open("a.txt", "wb") as file:
            wrapped = io.TextIOWrapper(file, encoding="utf-16", write_through=True)
            wrapped.write("text")
            wrapped.detach()
        assert space.files()["a.txt"].decode("utf-16") == "text"

    def test_pandas(self, space, storage):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"a": [1], "b": [2]})
        with storage.open("a.csv", "w") as file:
            frame.to_csv(file, index=False)
        with storage.open("b.csv", "wb") as file:
            frame.to_csv(file, index=False)
        assert space.files() == {"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n1,2\n"}
