"""FTP, and FTP over TLS."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.core import checks
from django.core.checks import CheckMessage
from django.views.decorators.debug import sensitive_variables

from django_fsspec_storages import names
from django_fsspec_storages.backends._certificates import missing_file, unverified
from django_fsspec_storages.backends._ftp_location import Address, address_of
from django_fsspec_storages.backends._ftp_options import FTPOptions
from django_fsspec_storages.files.file import FsspecFile
from django_fsspec_storages.filesystems.timeouts import timeout_options
from django_fsspec_storages.static import ManifestMixin, ServedStaticMixin
from django_fsspec_storages.storage import FsspecStorage

__all__ = [
    "FTPManifestStaticStorage",
    "FTPStaticStorage",
    "FTPStorage",
    "FTPStorageException",
    "FTPStorageFile",
]

#: What django-storages wraps every failure in. Here each is the built-in error that says what it is, and caught by this
#: name as by its own.
FTPStorageException = OSError

_IMPLICIT_PORT = 990


class FTPStorageFile(FsspecFile):
    """An open file of an :class:`FTPStorage`; its parameters stand in the order that django-storages gives them."""

    def __init__(self, name: str, storage: FTPStorage, mode: str) -> None:
        super().__init__(name, mode, storage)


class FTPStorage(FTPOptions, FsspecStorage):
    """Files on an FTP server.

    :param options: as in ``OPTIONS`` of ``STORAGES``; the manual lists them.
    """

    protocol = "ftp"

    def _address(self) -> Address | None:
        location: Any = self.location
        try:
            return address_of(str(location)) if location else None
        except ValueError:  # the options' faults say so
            return None

    @sensitive_variables()
    def filesystem_options(self) -> dict[str, Any]:
        """See :meth:`FsspecStorage.filesystem_options`."""
        address = address_of(str(self.location))
        implicit = bool(self.tls_implicit)  # whatever the scheme: nobody means to go without
        options: dict[str, Any] = {
            "host": address.host,
            "port": address.port or (_IMPLICIT_PORT if implicit else 21),
            "username": address.username,
            "password": address.password,
            "tls": "tls" if implicit else address.tls,  # fsspec's word
            "active": address.active,
            "max_connections": self.max_connections,
            "lock_age": self.lock_age,
            **timeout_options("ftp", self.connect_timeout, self.read_timeout),
        }
        if encoding := self.encoding:
            options["encoding"] = encoding
        if self.tls_verify is False:
            options["tls_verify"] = False
        if ca_file := self.tls_ca_file:
            options["tls_ca_file"] = os.fspath(ca_file)
        return options

    def keeps_timeouts(self) -> bool:
        """See :meth:`Running.keeps_timeouts`."""
        return True

    def _folder_of_names(self) -> Any:
        address = self._address()
        return None if address is None else address.path

    def _place(self) -> str:
        # What stands before an @ may be a part of a password that was not encoded.
        _, at, place = super()._place().rpartition("@")
        return f"…{at}{place}" if at else place

    def _server(self) -> str:
        address = self._address()
        if address is None:
            return ""
        return f" {address.host}" + (f":{address.port}" if address.port else "")

    def _open(self, name: str, mode: str = "rb") -> FTPStorageFile:
        return FTPStorageFile(names.as_text(name), self, mode)

    def disconnect(self) -> None:
        """Close the connections that nobody is using. The next operation makes another."""
        if "_last" in self.__dict__:  # else nothing was asked of the server by this storage
            cast("Any", self.fs).logout()

    def check(self, alias: str) -> list[CheckMessage]:
        """See :meth:`FsspecStorage.check`."""
        return list(_check_certificates(self, f"STORAGES[{alias!r}]"))


class FTPStaticStorage(ServedStaticMixin, FTPStorage):
    """Static files on an FTP server, under ``STATIC_URL``."""


class FTPManifestStaticStorage(ManifestMixin, FTPStaticStorage):  # type: ignore[misc]
    """As :class:`FTPStaticStorage`, with hashed names and a manifest."""


def _check_certificates(storage: FTPStorage, place: str) -> Iterator[CheckMessage]:
    """Yield a warning where anybody could answer for the server, or nobody, for want of the file that tells who may."""
    address = None if storage.computes("location") else storage._address()
    given: Any = None if storage.computes("extra_options") else storage.extra_options
    extra: Mapping[str, Any] = given if isinstance(given, Mapping) else {}  # over what the options amount to
    if address is None or not extra.get("tls", address.tls or storage.tls_implicit):
        return
    hint = "Give tls_ca_file the file with the certificate of your own CA."
    if "tls_verify" not in extra:
        yield from unverified(storage, place, "tls_verify", hint)
    elif not extra["tls_verify"]:
        yield checks.Warning(
            f"{place}: storage_options have 'tls_verify': {extra['tls_verify']!r}: whoever is on the way can read and "
            "change everything.",
            hint=hint,
            id="fsspec_storages.W010",
        )
    if not storage.computes("tls_ca_file") and storage.tls_ca_file:
        yield from missing_file(storage, place, "tls_ca_file")
