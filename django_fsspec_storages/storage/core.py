"""The Storage API, blocking. Each operation is one logic of ``operations``, run in the caller's thread."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import IO, Any, Literal

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import Storage
from django.core.files.utils import validate_file_name

from django_fsspec_storages import names
from django_fsspec_storages.aliases import Aliased
from django_fsspec_storages.errors import CannotKeepPromise, NoUrlError
from django_fsspec_storages.files.file import FsspecFile
from django_fsspec_storages.files.streams import Stream
from django_fsspec_storages.filesystems.handles import open_handle
from django_fsspec_storages.filesystems.transfers import Metadata
from django_fsspec_storages.signing.tickets import UploadTicket
from django_fsspec_storages.storage import operations
from django_fsspec_storages.storage.naming import Naming
from django_fsspec_storages.storage.places import OnFilesystem
from django_fsspec_storages.storage.source import name_for
from django_fsspec_storages.storage.twins import AsyncTwins

__all__ = ["FsspecStorage"]

#: The storage (by id) and max_length of the save that is going on, for ``_save``, whose signature has no room for it.
_max_length: ContextVar[tuple[int, int | None]] = ContextVar("max_length", default=(0, None))


class FsspecStorage(Aliased, AsyncTwins, Naming, OnFilesystem, Storage):
    """A Django storage over any fsspec filesystem.

    :param options: as in ``OPTIONS`` of ``STORAGES``; see :class:`CommonOptions`.
    :raises ImproperlyConfigured: if there is no such option, or a value has the wrong type.
    """

    #: Whether ``exists`` also finds folders that exist only as a prefix; it costs a second request on a miss.
    finds_prefixes = False

    def __init__(self, **options: Any) -> None:
        try:
            self.configure(options)
        except ImproperlyConfigured as error:
            options = {}  # a debug page shows the locals of every frame: neither this one nor those below keep secrets
            raise error.with_traceback(None) from None

    def __repr__(self) -> str:
        return f"<{self.where()}>"

    def check(self, alias: str) -> list[CheckMessage]:
        """Return what a system check should say of this storage beyond its options; no network, no SDK."""
        return []

    # Reading and writing

    def object_metadata(self, name: str, content: Any) -> dict[str, Any]:
        """Return what is stored with an object, in the provider's own terms; ``content`` is None for ``open("w")``.

        A :class:`Metadata` with ``gzip=True`` has the content compressed on its way up.
        """
        return {}

    def decodes_gzip(self, name: str) -> bool:
        """Tell whether a file is decompressed on its way to the reader, if it is stored with that encoding."""
        return False

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return FsspecFile(names.as_text(name), mode, self)

    def open_handle(self, name: str, mode: str) -> IO[Any]:
        """Return the bare handle that :class:`FsspecFile` holds; parameters and errors as ``open``."""
        filesystem, path = self.place(name, of_file=True)
        metadata = None if "r" in mode else Metadata.of(self.object_metadata(str(name), None))
        with self.watch("open", str(name)):
            return open_handle(
                filesystem,
                path,
                mode,
                name=str(name),
                translate=self.translator(name),
                metadata=metadata,
                seconds=self.seconds,
                gunzip=self.decodes_gzip(str(name)),
            )

    def open_stream(self, name: str, start: int = 0, length: int | None = None) -> Stream:
        """Open a file for one pass in bounded memory, as for a ``StreamingHttpResponse``.

        :param start: the first byte.
        :param length: how many bytes at most; None: to the end.
        :raises FileNotFoundError: if there is none.
        """
        download = self.run("open", name, operations.begin_read(self, name, start, length))
        return Stream(self, str(name), download, start, length)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Save content under a name, or, where that is taken and overwriting is off, under another.

        One exclusive create, tried again under a new name on conflict: no ``exists`` before it.

        :param name: ``content.name`` if None.
        :param content: any file, or anything with ``read`` or ``chunks``; read from its start, and left open.
        :param max_length: of the name, in characters.
        :return: the name it was saved under.
        :raises SuspiciousFileOperation: if the name would leave the location, or cannot be shortened to ``max_length``.
        """
        name = name_for(name, content)
        content = content if hasattr(content, "chunks") else File(content, name)
        validate_file_name(name, allow_relative_path=True)
        if self.chooses_names() or (max_length and len(name) > max_length):
            name = self.get_available_name(name, max_length=max_length)
            validate_file_name(name, allow_relative_path=True)
        token = _max_length.set((id(self), max_length))
        try:
            name = self._save(name, content)
        finally:
            _max_length.reset(token)
        validate_file_name(name, allow_relative_path=True)
        return name

    def _save(self, name: str, content: Any) -> str:
        saving, max_length = _max_length.get()
        max_length = max_length if saving == id(self) else None
        with self.watch("save", name) as watch:
            return self.run_watched(watch, operations.save(self, name, content, max_length, watch))

    def delete(self, name: str) -> None:
        """Delete a file, or an empty folder. Nothing happens if there is none.

        :raises ValueError: if no name is given.
        """
        self.run("delete", name, operations.delete(self, name))

    # Questions

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file, or folder where there are any; ``""`` if the location can be listed."""
        return self.run("exists", name, operations.exists(self, name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the folders and of the files in a folder.

        :raises FileNotFoundError: if there is none, on filesystems that have folders; elsewhere both lists are empty.
        """
        return self.run("listdir", path, operations.listdir(self, path))

    def size(self, name: str) -> int:
        """Return the size in bytes, as stored: of what is stored gzipped, the compressed size.

        An open file's ``size`` is that of what can be read from it.

        :raises FileNotFoundError: if there is none.
        """
        return self.run("size", name, operations.size(self, name))

    def get_modified_time(self, name: str) -> datetime:
        """Return when the content was last changed: aware, in UTC, if USE_TZ; else naive, in the local time zone.

        :raises FileNotFoundError: if there is none.
        :raises NotImplementedError: if the filesystem does not say.
        """
        return self.run("modified", name, operations.time(self, name, "modified"))

    def get_created_time(self, name: str) -> datetime:
        """Return when the file was created; as :meth:`get_modified_time`."""
        return self.run("created", name, operations.time(self, name, "created"))

    def get_accessed_time(self, name: str) -> datetime:
        """Return when the file was last read; as :meth:`get_modified_time`."""
        return self.run("accessed", name, operations.time(self, name, "accessed"))

    # URLs

    @property
    def signs_offline(self) -> bool:
        """Whether :meth:`sign` has all that it needs, and asks no server: then an event loop need not fear it."""
        return True

    def url(self, name: str | None, **signing: Any) -> str:
        r"""Return the address under which a browser finds the file. A leading ``/`` or ``\`` does not count.

        :param signing: what the backend's :meth:`sign` takes: ``expire``, ``http_method``, ``download_as`` and its own.
        :raises ValueError: if there is no URL, or it cannot have what was asked. It is a NotImplementedError too.
        """
        return self.sign(names.clean_for_url(name), **signing)

    def sign(self, name: str, **signing: Any) -> str:
        """Make the URL of a cleaned name: here ``base_url`` and the name, unsigned. A provider's class signs.

        :raises NoUrlError: if there is no ``base_url``.
        :raises ValueError: if anything is asked that only a signed URL can have.
        """
        asked = [key for key, value in signing.items() if value is not None]
        if asked:
            raise CannotKeepPromise(
                f"{self.where()}: its URLs are not signed, so they cannot have {', '.join(asked)}."
            )
        self.require_options()
        base: Any = self.base_url
        base = "" if base is None or base is False else str(base)
        if not base:
            raise NoUrlError(f"{self.where()}: its files have no URL. Set base_url to their public address.")
        return names.to_url(base, name)

    def upload_ticket(
        self,
        name: str,
        *,
        method: Literal["POST", "PUT"] = "POST",
        content_type: str | None = None,
        min_size: int = 0,
        max_size: int | None = None,
        expire: float | timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> UploadTicket:
        """Return a signed permission to upload one object, on providers that give one.

        :raises NotImplementedError: on this one.
        """
        raise NotImplementedError(
            f"{self.where()}: this backend has no signed uploads; save files through the server."
        )
