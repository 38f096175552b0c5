"""A server in a process of its own, on a loopback port that nobody else can take."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.servers.environment import serving

__all__ = ["HOST", "PATIENCE", "ServerProcess"]

HOST = "127.0.0.1"

#: Seconds within which a server answers, and ends. MiniStack imports for four, and many times that on a busy machine.
PATIENCE = 240

#: It ends with us, however we end: its standard input is a pipe. If we end without a word, it removes its folder too.
_ENDS_WITH_US = """
import os, shutil, sys, threading
leaving = []  # functions: what a script of processes of its own has to do
def end():
    said = os.read(0, 1)
    for leave in leaving:
        leave()
    if not said:
        shutil.rmtree(os.getcwd(), ignore_errors=True)
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
"""


class ServerProcess:
    """Runs a Python script that serves on listening sockets, whose descriptors are its arguments.

    We bind the sockets, so the ports are known and ours before the server starts, and clients that come early wait.

    :param python: the interpreter that has what the script imports.
    :param sockets: how many; ``port`` is that of the first.
    :param host: the address of loopback: the other is ``::1``.
    """

    def __init__(self, python: str | Path, script: str, *, sockets: int = 1, host: str = HOST) -> None:
        self.host = host
        self._reserved = [_reserve(host) for _ in range(sockets)]
        self._ports: list[int] = [reserved.getsockname()[1] for reserved in self._reserved]
        self._listen()
        self._command = [str(python), "-I", "-c", _ENDS_WITH_US + script]
        self._home = Path(tempfile.mkdtemp(prefix="server-"))
        self._process: Any = None

    @property
    def port(self) -> int:
        """Port of the first socket, which stays ours until ``stop``."""
        return self._ports[0]

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id, of the server that runs."""
        return int(self._process.pid)

    def start(self, path: str = "/") -> None:
        """Start the server and wait for any answer on a path.

        :raises RuntimeError: if it ended or does not answer; with what it printed.
        """
        descriptors = [listening.fileno() for listening in self._sockets]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *map(str, descriptors)],
                cwd=self._home,
                env={**serving(str(self._home)), **self._variables()},
                pass_fds=descriptors,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        for listening in self._sockets:
            listening.close()  # from here on only the server holds it: if it ends, callers are told at once
        try:
            self._ask(path)
        except OSError as error:
            said = self.stop()
            raise RuntimeError(
                f"{type(self).__name__} does not answer ({error!r}). It said:\n{said}"
            ) from error

    def output(self) -> str:
        """Return what the server printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def restart(self, path: str = "/") -> None:
        """End the server and start it again: the same port, and the same folder with all that is in it."""
        self.end()
        self._listen()
        self.start(path)

    def _listen(self) -> None:
        self._sockets = [
            socket.create_server((self.host, port), family=_family(self.host), backlog=512)
            for port in self._ports
        ]

    def stop(self) -> str:
        """End the server and remove its folder; return what it had printed. Does nothing when called again."""
        for bound in (*self._sockets, *self._reserved):
            bound.close()
        self.end()
        said = self.output()
        shutil.rmtree(self._home, ignore_errors=True)
        return said

    def end(self) -> None:
        """End the server; its port stays ours and its folder as it is, for :meth:`restart`."""
        process, self._process = self._process, None
        if process is not None:
            with process:
                with contextlib.suppress(BrokenPipeError):  # it ended by itself
                    process.stdin.write(b".")
                    process.stdin.close()
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _variables(self) -> dict[str, str]:
        """Return variables beside the few that every server gets; of our own it sees nothing else."""
        return {}

    @property
    def _log(self) -> Path:
        return self._home / "output.txt"

    def _ask(self, path: str) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        finally:
            connection.close()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _reserve(host: str) -> socket.socket:
    """Bind a port without listening: nobody gets it by chance, and callers are refused while no server listens."""
    reserved = socket.socket(_family(host))
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind((host, 0))
    except BaseException:  # there may be no such address
        reserved.close()
        raise
    return reserved
