"""What the demo keeps: pictures, which are public, and documents, which are not."""

from __future__ import annotations

from typing import ClassVar

from django.core.files.storage import Storage, storages
from django.db import models

__all__ = ["Document", "Picture"]


def private_storage() -> Storage:
    """Return the storage of documents; a function, so that it is looked up when it is used."""
    return storages["private"]


class Picture(models.Model):
    """A picture of the gallery."""

    title = models.CharField(max_length=100)
    image = models.ImageField(upload_to="pictures", width_field="width", height_field="height")
    width = models.IntegerField(null=True, editable=False)
    height = models.IntegerField(null=True, editable=False)

    objects: ClassVar[models.Manager[Picture]] = models.Manager()  # for mypy, which reads other settings

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.title


class Document(models.Model):
    """Any file, shown only to who has a signed link."""

    file = models.FileField(upload_to="documents", storage=private_storage)

    objects: ClassVar[models.Manager[Document]] = models.Manager()

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return str(self.file.name).rpartition("/")[2]

    @property
    def is_table(self) -> bool:
        """Whether the document can be shown as a table."""
        return str(self.file.name).lower().endswith(".csv")
