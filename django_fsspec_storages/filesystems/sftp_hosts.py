"""Which host keys are known: what a file of known hosts says, and how a new key gets into it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import asyncssh

from django_fsspec_storages.errors import Explained

__all__ = ["HostClient", "can_be_read", "tell_whether_known"]


class HostClient(asyncssh.SSHClient):
    """Learns when the connection is lost, and may take the key of a host that nobody knows yet.

    :param known_hosts: the file that such a key is written to; None: it is refused.
    """

    lost = False
    #: Of what, in asyncssh's words.
    lost_of = ""

    def __init__(self, known_hosts: Path | None) -> None:
        self._known_hosts = known_hosts

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncssh."""
        self.lost, self.lost_of = True, str(exc or "Connection closed")

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Take the key of a host for which the file has none, and write it there; never one that has changed."""
        path = self._known_hosts
        if path is None:
            return False
        vouched, revoked = _known_keys(path, host, addr, port)
        if vouched or key.public_data in revoked:
            return False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab+") as file:
            end = b"\n"  # of the last line, which others may have left without
            if file.tell():
                file.seek(-1, os.SEEK_END)
                end = file.read(1)
            line = f"{_name(host, port)} {key.export_public_key('openssh').decode().strip()}\n"
            file.write((b"" if end == b"\n" else b"\n") + line.encode())
        return True


def _name(host: str, port: int | None) -> str:
    return host if port in (None, 22) else f"[{host}]:{port}"


def _known_keys(path: Path, host: str, addr: str, port: int | None) -> tuple[bool, list[bytes]]:
    """Return whether anything vouches for a host in a file of known hosts, and the keys that are revoked there."""
    # By its whole name too: asyncssh passes over lines for a port that only revoke.
    asked = ((host, addr, port or 22), (_name(host, port), "", 22)) if path.exists() else ()
    found = [asyncssh.match_known_hosts(str(path), *each) for each in asked]
    return any(each[0] or each[1] for each in found), [key.public_data for each in found for key in each[2]]


def can_be_read(path: Path) -> bool:
    """Tell whether each line of a file is one of known hosts, if it is there and can be opened."""
    try:
        _known_keys(path, "", "", None)
    except ValueError:
        return False
    except OSError:
        pass
    return True


def tell_whether_known(error: Any, file: Path, host: str, port: int | None) -> None:
    """Have an error say so where the host is not known, or revoked: other matters than another key."""
    vouched, revoked = _known_keys(file, host, "", port)
    if "revoked" in error.reason or (revoked and not vouched):
        said = f"the server's host key is revoked, in {str(file)!r}: do not trust who has it"
    elif not vouched:
        missing = "" if file.exists() else ", which does not exist"
        said = (
            f"nobody knows the server's host key: it is not in {str(file)!r}{missing}. See that it is the right "
            "server, then have its key there (ssh-keyscan)"
        )
    else:
        return
    error.explained = Explained(ConnectionError, said)
