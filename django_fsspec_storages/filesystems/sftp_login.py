"""What asyncssh is given for a login, and what it asks of this process's user, who may have neither name nor home."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh

from django_fsspec_storages.errors import Explained

__all__ = ["checked", "known_hosts_file", "stand_in"]

#: Options that asyncssh looks at by themselves: without a file, and without the server.
_BY_THEMSELVES = (
    "compression_algs",
    "encryption_algs",
    "kex_algs",
    "mac_algs",
    "rekey_bytes",
    "rekey_seconds",
    "server_host_key_algs",
    "signature_algs",
)


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options for asyncssh; with ``~`` in ``config`` as the home folder, which it knows of other files alone.

    :raises ValueError: if one of them is wrong, as far as it can be told before a login.
    """
    for name in _BY_THEMSELVES:
        if name in options:
            _check(name, options[name])
    config = options.get("config")
    if not config:
        return dict(options)
    named = [config] if isinstance(config, (str, os.PathLike)) else config
    return {**options, "config": [os.path.expanduser(file) for file in named]}  # noqa: PTH111 - one that is left is missing


def _check(name: str, value: Any) -> None:
    stand_in("somebody")
    try:
        asyncssh.SSHClientConnectionOptions(config=None, client_keys=None, **{name: value})
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"asyncssh does not take this {name}: {error}") from error


def known_hosts_file(known: str | os.PathLike[str] | None) -> Path:
    """Return the file of known hosts; unless one is given, the user's own.

    :raises PermissionError: if nobody knows where the user's home is.
    """
    try:
        return Path(known or "~/.ssh/known_hosts").expanduser()
    except RuntimeError:
        raise _cannot_log_in(
            "the user of this process has no home folder, and no ~/.ssh/known_hosts in it: give known_host_file, or "
            "known_hosts, the whole path of a file with the server's key"
        ) from None


def stand_in(username: str | None) -> None:
    """Have asyncssh do without what a process has not whose user is but a number, as in many a container.

    It asks for the user's name and home whatever else it is told, and there is no option that says them.

    :param username: whom the server is told; None: nobody has said.
    :raises PermissionError: if it would be told the name that there is not.
    """
    if not _is_known(getpass.getuser):
        if username is None:
            raise _cannot_log_in(
                "the user of this process has no name, so the login needs one: give username"
            )
        sys.modules["asyncssh.connection"].getpass = _Numbered  # type: ignore[attr-defined]
    if not _is_known(Path.home):
        for module in ("config", "connection", "public_key"):
            sys.modules[f"asyncssh.{module}"].Path = _Homeless  # type: ignore[attr-defined]


def _is_known(ask: Any) -> bool:
    try:
        ask()
    except (KeyError, OSError, RuntimeError, ImportError):
        return False
    return True


def _cannot_log_in(why: str) -> PermissionError:
    error = PermissionError(f"{why}.")
    error.explained = Explained(PermissionError, why)  # type: ignore[attr-defined]
    return error


class _Numbered:
    """What asyncssh calls ``getpass``."""

    @staticmethod
    def getuser() -> str:
        return getpass.getuser() if _is_known(getpass.getuser) else str(os.getuid())


class _Homeless(type(Path())):  # type: ignore[misc]
    """A path that may be below a home which nobody has: there is nothing."""

    def expanduser(self) -> Any:
        try:
            return super().expanduser()
        except RuntimeError:
            return type(self)("/nonexistent", *self.parts[1:])
