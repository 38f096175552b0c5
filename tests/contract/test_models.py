"""Model fields with files: what forms, the admin and templates do with a storage."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.forms import modelform_factory
from PIL import Image

from tests.app.models import Document, Picture, storage_of_models
from tests.contract.backends import BASE_URL


@pytest.fixture(scope="module")
def tables():
    """The tables of the test app, in memory."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    yield
    connection.close()


@pytest.fixture(autouse=True)
def rows(tables, storage):
    """Both models use the storage; their rows are gone afterwards."""
    with storage_of_models(storage), transaction.atomic():
        yield
        transaction.set_rollback(True)


def _png(width, height):
    image = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(image, "PNG")
    return image.getvalue()


class TestFileField:
    def test_a_file_is_saved_asked_opened_and_deleted(self, space):
        document = Document()
        document.file.save("a.txt", ContentFile(b"hello"))
        assert document.file.name == "documents/a.txt"
        assert document.file.size == 5
        assert document.file.url == BASE_URL + "documents/a.txt"
        fresh = Document.objects.get()
        assert fresh.file == "documents/a.txt"
        with fresh.file.open() as file:
            assert file.read() == b"hello"
        fresh.file.delete()
        assert space.files() == {}
        assert not fresh.file

    @pytest.mark.ours("Django's own storage publishes what was written so far")
    def test_a_with_block_of_a_field_that_fails_publishes_nothing(self, space):
        document = Document()
        document.file.save("a.txt", ContentFile(b"whole"))
        with pytest.raises(KeyError), document.file.open("wb") as file:
            file.write(b"half")
            raise KeyError
        assert space.files() == {"documents/a.txt": b"whole"}

    def test_a_with_block_of_a_field_inside_an_except_clause_publishes(self, space):
        document = Document()
        document.file.save("a.txt", ContentFile(b"whole"))
        try:
            raise KeyError
        except KeyError:
            with document.file.open("wb") as file:
                file.write(b"mended")
        assert space.files() == {"documents/a.txt": b"mended"}

    def test_two_uploads_of_one_name_are_two_files(self, space):
        for content in (b"1", b"2"):
            Document.objects.create(file=SimpleUploadedFile("a.txt", content))
        names = list(Document.objects.order_by("pk").values_list("file", flat=True))
        assert space.files() == {names[0]: b"1", names[1]: b"2"}

    def test_a_closed_file_is_opened_again(self):
        Document.objects.create(file=SimpleUploadedFile("a.txt", b"one\ntwo\n"))
        document = Document.objects.get()
        for _ in range(3):
            with document.file.open("rb") as file:
                assert file.read() == b"one\ntwo\n"
            assert document.file.closed
        document.file.open("r")
        assert document.file.readline() in ("one\n", b"one\n")
        document.file.close()
        assert b"".join(document.file.open().chunks()) == b"one\ntwo\n"
        document.file.close()

    def test_a_file_can_be_written_through_the_field(self, space):
        document = Document.objects.create(file=SimpleUploadedFile("a.txt", b"first"))
        with Document.objects.get().file.open("wb") as file:
            file.write(b"second")
        assert space.files() == {document.file.name: b"second"}

    def test_max_length_of_the_field_holds(self, space):
        for _ in range(2):
            Document.objects.create(file=SimpleUploadedFile("x" * 90 + ".txt", b"1"))
        names = list(Document.objects.values_list("file", flat=True))
        assert set(names) == set(space.files())
        assert all(len(name) <= 40 and name.endswith(".txt") for name in names)

    def test_an_upload_comes_through_a_form(self, space):
        form_class = modelform_factory(Document, fields=["file"])
        form = form_class(files={"file": SimpleUploadedFile("Å b.txt", b"form")})
        assert form.is_valid(), form.errors
        document = form.save()
        assert space.files() == {document.file.name: b"form"}
        assert document.file.name == "documents/Å_b.txt"

    def test_a_hostile_upload_stays_inside(self, space):
        saved = []
        for name in (
            "../../canary.txt",
            "..\\..\\canary.txt",
            "/etc/passwd",
            "C:\\x.txt",
            "a\0b.txt",
            "a/../../b",
        ):
            try:
                document = Document(file=SimpleUploadedFile(name, b"hostile"))
                document.file.save(document.file.name, document.file.file, save=False)
                saved.append(document.file.name)
            except (SuspiciousFileOperation, ValueError):
                continue
        assert space.files() == dict.fromkeys(saved, b"hostile")
        assert all(name.startswith("documents/") for name in saved)


class TestImageField:
    def test_the_dimensions_are_found_and_kept(self):
        picture = Picture(image=SimpleUploadedFile("a.png", _png(30, 20)))
        assert (picture.width, picture.height) == (30, 20)
        picture.save()
        fresh = Picture.objects.get()
        assert (fresh.width, fresh.height) == (30, 20)
        assert (fresh.image.width, fresh.image.height) == (30, 20)

    def test_they_can_be_found_in_the_storage(self, storage):
        name = storage.save("pictures/b.png", ContentFile(_png(50, 40)))
        picture = Picture(image=name)
        assert (picture.image.width, picture.image.height) == (50, 40)
        with picture.image.open() as file, Image.open(file) as image:
            assert image.size == (50, 40)

    def test_an_image_is_replaced_and_deleted(self, space):
        picture = Picture.objects.create(image=SimpleUploadedFile("a.png", _png(30, 20)))
        old = picture.image.name
        picture.image = SimpleUploadedFile("a.png", _png(3, 2))
        picture.save()
        picture.image.storage.delete(old)
        assert list(space.files()) == [picture.image.name]
        assert (picture.width, picture.height) == (3, 2)
        picture.image.delete()
        assert space.files() == {}
        assert (picture.width, picture.height) == (None, None)
