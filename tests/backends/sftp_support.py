"""What the tests of storage on SFTP share: storages on the servers, a server for other keys, and a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import asyncssh
from django.core.management.base import BaseCommand

from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from tests.backends.support import said_by_checks, save
from tests.servers.sftp import SFTPServer, SSHServer
from tests.support.processes import ROOT, STRICT

__all__ = ["KEY", "PATH", "PROJECT", "Command", "KeyServer", "Terminal", "on", "said", "save"]

PATH = "django_fsspec_storages.backends.sftpstorage.SFTPStorage"

#: ``params`` that log in with nothing but what a test adds to them.
KEY: dict[str, Any] = {"password": None, "look_for_keys": False}


def on(
    server: SSHServer,
    cls: type[SFTPStorage] = SFTPStorage,
    *,
    params: Mapping[str, Any] = {},
    **options: Any,
) -> Any:
    """Return a storage on a server; ``...`` leaves an option out.

    :param params: over those that log in by password.
    """
    given = server.settings(**params) | options
    return cls(**{name: value for name, value in given.items() if value is not ...})


def said(options: Mapping[str, Any], alias: str = "files", path: str = PATH) -> dict[str, str]:
    """Return what the checks say of an alias with these options, by its ids."""
    return said_by_checks(options, path, alias)


class KeyServer(SFTPServer):
    """Its user's key is of another kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        asyncssh.generate_private_key(kind).write_private_key(
            self.key()
        )  # it makes only those that are not there


class Command(BaseCommand):
    """A management command that does something and keeps what it returned."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self.work = work
        self.returned: Any = None

    def handle(self, *arguments: Any, **options: Any) -> None:
        self.returned = self.work()


#: The script of a small project: its settings are its argument; ``Deliver`` is a command that saves a file.
PROJECT = """
import fcntl, json, sys, termios
if sys.stdin.isatty():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from django.conf import settings
settings.configure(**json.loads(sys.argv[1]))
import django
django.setup()
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import execute_from_command_line
from django.core.management.base import BaseCommand
class Deliver(BaseCommand):
    def handle(self, **options):
        self.stdout.write("saved as " + default_storage.save("a.txt", ContentFile(b"content")))
"""


class Terminal:
    """A small project in a process of its own, at a terminal of its own.

    :param settings: of the project, as JSON has them.
    :param command: what it runs, in Python: ``Deliver`` is a management command that saves a file.
    """

    def __init__(self, settings: Mapping[str, Any], command: str) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, *STRICT, "-c", PROJECT + command, json.dumps(settings)],
            cwd=ROOT,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def wait_for(self, text: str, patience: float = 240) -> None:
        """Return when a text is shown that was not before."""
        seen, deadline = len(self.shown), time.monotonic() + patience
        while text not in self.shown[seen:]:
            assert self._read(deadline - time.monotonic()), f"{text!r} was not shown, but {self.shown!r}"

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._master, f"{line}\n".encode())

    def end(self, patience: float = 240) -> int:
        """Wait for the end; return the exit status."""
        deadline = time.monotonic() + patience
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(patience)

    def _read(self, patience: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(patience, 0))
        data = b""
        with contextlib.suppress(OSError):  # Linux's way to say that it is at its end
            data = os.read(self._master, 4096) if ready else b""
        self.shown += data.decode(errors="replace")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
