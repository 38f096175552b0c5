"""asyncssh's SFTP server, confined to a folder of its own."""

from __future__ import annotations

import socket
import sys
from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.servers.process import HOST, PATIENCE, ServerProcess

__all__ = ["PASSWORD", "USER", "SFTPServer", "SSHServer"]

USER, PASSWORD = "keeper", "hunter2-of-a-test"

#: One operation of a server, then a connection for each socket. ``{extensions}``: whether it knows OpenSSH's.
_SCRIPT = """
import asyncio, os, pathlib, resource, socket, asyncssh
from asyncssh.sftp import SFTPServerHandler

def made(name):
    if not os.path.exists(name):  # a server that restarts is the same one
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(name)
    return asyncssh.read_private_key(name)

key, users = made("host_key"), made("id_user")
pathlib.Path("known_hosts").write_text("* " + key.export_public_key().decode())
users.write_private_key("id_locked", "pkcs8-pem", passphrase="open sesame")
pathlib.Path("root" + {home!r}).mkdir(parents=True, exist_ok=True)

class Login(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True
    def password_auth_supported(self):
        return True
    def validate_password(self, username, password):
        return (username, password) == ({user!r}, {password!r})
    def public_key_auth_supported(self):
        return True
    def validate_public_key(self, username, given):
        return username == {user!r} and given == users.convert_to_public()

class Files(asyncssh.SFTPServer):
    def map_path(self, path):
        return super().map_path(os.path.join({home!r}.encode(), path))
    def rename(self, old, new):
        return os.replace(self.map_path(old), self.map_path(new)) if {replaces} else super().rename(old, new)
    def link(self, old, new):
        if not {links}:
            raise asyncssh.SFTPFailure("Failure")  # OpenSSH's word for what a disk cannot do
        return super().link(old, new)
    async def lstat(self, path):
        if path.endswith(b"/hangs"):
            await asyncio.Event().wait()
        return super().lstat(path)

if {largest} is not None:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({largest}, {largest}))
if not {extensions}:
    SFTPServerHandler._extensions = []

async def main():
    await asyncssh.listen(
        sock=socket.socket(fileno=int(sys.argv[1])), server_factory=Login, server_host_keys=[key], allow_scp=False,
        sftp_factory=lambda channel: Files(channel, chroot=os.fsencode(os.path.abspath("root"))),
    )
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class SSHServer(ServerProcess):
    """What the SSH servers have in common: a scratch folder with keys, and the root that is served."""

    @abstractmethod
    def options(self, **more: Any) -> dict[str, Any]:
        """Return constructor options of a filesystem on it."""

    @abstractmethod
    def settings(self, **params: Any) -> dict[str, Any]:
        """Return ``OPTIONS`` of a storage on it.

        :param params: more for ``params``.
        """

    @cached_property
    def root(self) -> Path:
        """The folder that it serves: all that it can reach."""
        return self._home / "root"

    @property
    def known_hosts(self) -> Path:
        """A file with its host key, for whatever address."""
        return self._home / "known_hosts"

    def key(self, name: str = "id_user") -> str:
        """Return the path of the user's private key."""
        return str(self._home / name)

    def folder(self, name: str) -> Path:
        """Make a folder below the root in which its user may write; return where this machine has it."""
        made = self.root / name
        made.mkdir()
        self.hand_over(made)
        return made

    def hand_over(self, path: Path) -> None:
        """Make its user the owner of a file or folder that a test has made."""

    def processes(self) -> list[int]:
        """Return the process ids of all that serves."""
        return [self.pid]

    def _ask(self, path: str) -> None:
        with socket.create_connection((HOST, self.port), PATIENCE) as connection:
            if not connection.recv(4).startswith(b"SSH"):
                raise ConnectionError(f"not an SSH server: {self.output()}")


class SFTPServer(SSHServer):
    """Knows one user, by password and by key; ``id_locked`` is the key with a passphrase.

    Of what is called ``hangs`` it never tells anything.

    :param extensions: whether it knows OpenSSH's: POSIX renames and hard links.
    :param home: the folder that a login begins in.
    :param largest: bytes that it can store in one file.
    :param replaces: whether the rename of the protocol itself replaces a file, which it should not.
    :param links: whether its disk has hard links.
    """

    def __init__(
        self,
        *,
        extensions: bool = True,
        home: str = "/",
        largest: int | None = None,
        replaces: bool = False,
        links: bool = True,
    ) -> None:
        values = {"user": USER, "password": PASSWORD, "extensions": bool(extensions), "home": home}
        more = {"largest": largest, "replaces": bool(replaces), "links": bool(links)}
        super().__init__(sys.executable, _SCRIPT.format(**values, **more))

    def options(self, **more: Any) -> dict[str, Any]:
        """See :meth:`SSHServer.options`."""
        return {
            "host": HOST,
            "port": self.port,
            "username": USER,
            "password": PASSWORD,
            "known_hosts": str(self.known_hosts),
            "agent_path": None,
            "client_keys": None,
            **more,
        }

    def settings(self, **params: Any) -> dict[str, Any]:
        """See :meth:`SSHServer.settings`."""
        login = {"port": self.port, "username": USER, "password": PASSWORD, "allow_agent": False, **params}
        return {"host": HOST, "known_host_file": str(self.known_hosts), "params": login}
