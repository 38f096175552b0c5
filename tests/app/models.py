"""Models with files; a test puts the storage it is about into the fields (``tests.app.storage_of_models``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files.storage import Storage
from django.db import models

__all__ = ["Document", "Picture", "storage_of_models"]


class Document(models.Model):
    """A file under a short path."""

    file = models.FileField(upload_to="documents", max_length=40)


class Picture(models.Model):
    """An image and its dimensions."""

    image = models.ImageField(upload_to="pictures", width_field="width", height_field="height")
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)


@contextmanager
def storage_of_models(storage: Storage) -> Iterator[None]:
    """Let the fields of both models use a storage."""
    fields = [Document._meta.get_field("file"), Picture._meta.get_field("image")]
    before = [field.storage for field in fields]
    for field in fields:
        field.storage = storage
    try:
        yield
    finally:
        for field, storage_before in zip(fields, before, strict=True):
            field.storage = storage_before
