"""What a storage's ``open``, ``aopen``, ``open_stream`` and ``aopen_stream`` return."""

from django_fsspec_storages.files.aio import AsyncFile, AsyncWrapper
from django_fsspec_storages.files.file import FsspecFile
from django_fsspec_storages.files.streams import AsyncStream, Stream

__all__ = ["AsyncFile", "AsyncStream", "AsyncWrapper", "FsspecFile", "Stream"]
