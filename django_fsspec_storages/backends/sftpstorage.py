"""SFTP: files on a server that one logs in to by SSH."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Self, cast

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from django_fsspec_storages import names
from django_fsspec_storages.aliases import Aliased
from django_fsspec_storages.backends import _sftp_login
from django_fsspec_storages.backends._sftp_checks import check_host_keys, check_key
from django_fsspec_storages.backends._sftp_options import SFTPOptions
from django_fsspec_storages.backends._sftp_params import WAITS, asyncssh_options, set_parameters
from django_fsspec_storages.files.file import FsspecFile
from django_fsspec_storages.filesystems import Contract
from django_fsspec_storages.filesystems.timeouts import timeout_options
from django_fsspec_storages.filesystems.tracebacks import forget_values
from django_fsspec_storages.static import ManifestMixin, ServedStaticMixin
from django_fsspec_storages.storage import FsspecStorage

__all__ = ["SFTPManifestStaticStorage", "SFTPStaticStorage", "SFTPStorage", "SFTPStorageFile"]

#: Options that only our filesystem has: those that are options of the storage, and those that are not.
_OURS = ("file_mode", "dir_mode", "uid", "gid", "auto_add_host_keys")
_UNKNOWN_TO_SSHFS = frozenset({*_OURS, "request_timeout", "max_channels"})


class SFTPStorageFile(FsspecFile):
    """An open file of an :class:`SFTPStorage`; its parameters stand in the order that django-storages gives them."""

    def __init__(self, name: str, storage: SFTPStorage, mode: str) -> None:
        super().__init__(name, mode, storage)


class SFTPStorage(SFTPOptions, FsspecStorage):
    """Files on an SFTP server. As a context manager it logs out at the end.

    :param options: as in ``OPTIONS`` of ``STORAGES``; the manual lists them.
    """

    protocol = "sftp"
    caches: ClassVar[frozenset[str]] = Aliased.caches | {"_typed", "_lent"}
    _typed: str | None = None

    @sensitive_variables()
    def filesystem_options(self) -> dict[str, Any]:
        """See :meth:`FsspecStorage.filesystem_options`."""
        known = self.known_host_file
        try:
            login = asyncssh_options(self._params())
        except ImproperlyConfigured as error:
            raise error.with_traceback(None) from None  # a debug page shows the locals of every frame
        options: dict[str, Any] = {
            "host": self.host,
            # Said even where it is the filesystem's own default: sshfs itself, as pandas has it by URL, checks no key
            "known_hosts": os.fspath(known) if known else (),
            "config": None,
            **timeout_options("sftp", self.connect_timeout, self.read_timeout),
            **login,
        }
        # asyncssh's bounds the connection and the login together
        if "login_timeout" in login and "connect_timeout" in options:
            options["connect_timeout"] = max(options["connect_timeout"], login["login_timeout"])
        ours = {name: getattr(self, name) for name in _OURS}
        return options | {name: value for name, value in ours.items() if value is not None}

    @property
    def storage_options(self) -> dict[str, Any]:
        """See :attr:`FsspecStorage.storage_options`; without those that sshfs, unmended, refuses."""
        return {
            name: value for name, value in super().storage_options.items() if name not in _UNKNOWN_TO_SSHFS
        }

    def _params(self) -> Mapping[str, Any]:
        params = set_parameters(self.params or {})
        if isinstance(params.get("port"), str):
            params = {**params, "port": int(params["port"])}
        return params if self._typed is None else {**params, "password": self._typed}

    def keeps_timeouts(self) -> bool:
        """See :meth:`Running.keeps_timeouts`."""
        return True

    def with_waits(self, error: OSError | None) -> OSError | None:
        """See :meth:`Running.with_waits`; those of ``params``, which come first, are named first."""
        if isinstance(error, TimeoutError):
            params = self._params()
            waits = [f"{name!r} in params is {params[name]} s" for name in WAITS if params.get(name)]
            if waits:
                error = TimeoutError(error.errno, f"{error.strerror} ({', '.join(waits)})", error.filename)
        return super().with_waits(error)

    def _server(self) -> str:
        port: Any = self._params().get("port")
        return f" {self.host}:{port}" if port else f" {self.host}"

    def _open(self, name: str, mode: str = "rb") -> SFTPStorageFile:
        return SFTPStorageFile(names.as_text(name), self, mode)

    # Logging in and out

    def _filesystem(self) -> Contract:
        filesystem = super()._filesystem()
        if self.interactive and not self._params().get("password"):
            try:
                filesystem = self._logged_in(filesystem)
            except BaseException:
                self.__dict__.pop("_last", None)  # the next operation tries, and asks, again
                raise
        return filesystem

    def _logged_in(self, filesystem: Any) -> Contract:
        """Return the filesystem if its keys do, else one with the password that is asked for."""
        try:
            filesystem.login()
        except PermissionError as error:
            if (
                type(error.__cause__).__name__ != "PermissionDenied"
            ):  # a key file, say: no password would help
                raise
            if not _sftp_login.somebody_is_there():
                raise _with_advice(
                    error, "interactive asks for a password only at a terminal, of a management command"
                ) from error
            user = self._params().get("username") or ""
            try:
                self.__dict__["_typed"] = _sftp_login.ask(user, str(self.host))
            except EOFError:  # Ctrl-D
                raise _with_advice(error, "interactive asked for a password, and none was typed") from error
        except OSError:  # the operation itself will say so
            return cast("Contract", filesystem)
        else:
            return cast("Contract", filesystem)
        filesystem = super()._filesystem()
        try:
            filesystem.login()
        except PermissionError:
            self.__dict__["_typed"] = None  # it was mistyped: the next operation asks again
            raise
        return cast("Contract", filesystem)

    @property
    def sftp(self) -> Any:
        """Paramiko's ``SFTPClient``, on a connection of its own: one for the process, made on first use.

        :raises ImproperlyConfigured: if paramiko is not installed.
        """
        lent = self.__dict__.get("_lent")
        if lent is None or lent[0] != os.getpid() or not lent[1].get_transport().is_active():
            self.__dict__["_lent"] = lent = self._lend()
        return lent[2]

    @sensitive_variables()
    def _lend(self) -> tuple[int, Any, Any]:
        filesystem, callers = cast("Any", self.fs), sys.exception()  # which has asked for a password
        if self.auto_add_host_keys:
            filesystem.login()  # which writes the key to the file
        try:
            waits = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout"), self.connect_timeout)
            client = filesystem.lend_client({**waits, **self._params()}, self.known_host_file)
            return os.getpid(), client, client.open_sftp()
        except ImportError as error:
            raise ImproperlyConfigured(
                f"{self.where()}: sftp is paramiko's client, and paramiko is not installed: pip install paramiko. The "
                "storage itself does without."
            ) from error
        except Exception as error:
            forget_values(
                error, callers
            )  # a debug page shows the locals of paramiko's frames, a password among them
            raise

    def close(self) -> None:
        """Log out, unless another operation of this process is at work. The next operation logs in again."""
        lent = self.__dict__.pop("_lent", None)
        if lent is not None and lent[0] == os.getpid():
            lent[1].close()
        if "_last" in self.__dict__:  # else nothing was asked of the server by this storage
            cast("Any", self.fs).logout()

    def __copy__(self) -> Self:
        twin = super().__copy__()
        for name in ("_typed", "_lent", "_last"):  # they have one owner, who closes them
            twin.__dict__.pop(name, None)
        return twin

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Checks

    def check(self, alias: str) -> list[CheckMessage]:
        """See :meth:`FsspecStorage.check`."""
        place = f"STORAGES[{alias!r}]"
        return [*check_key(self, place), *check_host_keys(self, place)]


def _with_advice(error: OSError, advice: str) -> PermissionError:
    return PermissionError(error.errno, f"{error.strerror}; {advice}")


class SFTPStaticStorage(ServedStaticMixin, SFTPStorage):
    """Static files on an SFTP server, under ``STATIC_URL``."""


class SFTPManifestStaticStorage(ManifestMixin, SFTPStaticStorage):  # type: ignore[misc]
    """As :class:`SFTPStaticStorage`, with hashed names and a manifest."""
