"""The servers of SFTP and FTP, and how each rival has a storage on them."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from tests.benchmarks.measuring import MB
from tests.benchmarks.rivals import OURS, PEERS, Rivals, Worker
from tests.servers.ftp import USER, FTPServer
from tests.servers.process import HOST, ServerProcess
from tests.servers.proxy import Proxy
from tests.servers.sftp import SFTPServer

__all__ = ["BENCHES", "QUICK", "SSHFS", "Bench", "Run", "Sizes"]

#: Nobody's storage, but what ours on SFTP is built on.
SSHFS = "sshfs"

#: Nothing in it that is special in a URL: the peer does not decode it.
_PASSWORD = "hunter2"


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    :param few: rounds where the peer takes long.
    :param rounds: of transfers.
    :param many: of small operations.
    :param saves: one after another.
    :param turns: of a race.
    :param mixed: rounds of mixed operations.
    """

    transfer: int = 20 * MB
    large: int = 200 * MB
    few: int = 3
    rounds: int = 7
    many: int = 11
    saves: int = 200
    turns: int = 15
    mixed: int = 400


#: To see that it works.
QUICK = Sizes(2 * MB, 20 * MB, few=1, rounds=2, many=2, saves=10, turns=2, mixed=32)


@dataclass(frozen=True)
class Run:
    """What is asked for."""

    rivals: Rivals
    sizes: Sizes


@dataclass
class Bench:
    """A server, in whose folder storages are.

    :param folder: where this machine has it.
    :param proxy: which clients go through, if there is one.
    """

    rivals: Rivals
    server: Any
    folder: Path
    proxy: Proxy | None

    #: Classes of storages, by package.
    storages: ClassVar[dict[str, str]]

    @abstractmethod
    def options(self, package: str, overwrite: bool) -> dict[str, Any]:
        """Return constructor options of a package's storage.

        :param overwrite: whether a save replaces a file, where a package knows of that.
        """

    @property
    def port(self) -> int:
        """Where clients connect."""
        listening: ServerProcess = self.proxy or self.server
        return listening.port

    def connections(self) -> int:
        """Return how many connections clients have made so far; there has to be a proxy."""
        assert self.proxy
        return self.proxy.connections

    def network(self, rtt: float) -> None:
        """Let a round trip take so many seconds from now on."""
        if self.proxy:
            self.proxy.network(rtt=rtt)

    def clear(self) -> None:
        """Remove all that is in the folder: what a peer leaves there may be anything."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def worker(self, package: str, overwrite: bool = False) -> Worker:
        """Start a worker of a package."""
        options = self.options(package, overwrite)
        return self.rivals.start(package, storage=self.storages[package], options=options)

    @contextmanager
    def workers(
        self, packages: Sequence[str] | None = None, overwrite: bool = False
    ) -> Iterator[list[Worker]]:
        """Start a worker of each package, or of those named."""
        with ExitStack() as running:
            packages = self.rivals.packages if packages is None else packages
            yield [running.enter_context(self.worker(package, overwrite)) for package in packages]


class _SFTPBench(Bench):
    storages = {
        OURS: "django_fsspec_storages.backends.sftpstorage.SFTPStorage",
        PEERS: "storages.backends.sftpstorage.SFTPStorage",
        SSHFS: "tests.benchmarks.files_sshfs.Plain",
    }

    def options(self, package: str, overwrite: bool) -> dict[str, Any]:
        """See :meth:`Bench.options`."""
        root = f"/{self.folder.name}"
        if package == SSHFS:
            return {"root": root, **self.server.options(port=self.port)}
        options: dict[str, Any] = self.server.settings(port=self.port, look_for_keys=False)
        if package == PEERS:  # it takes every key, and would write it down
            options["known_host_file"] = str(self.server.known_hosts.with_name("nobody"))
        else:
            options["allow_overwrite"] = overwrite
        return {**options, "root_path": root}


class _FTPBench(Bench):
    storages = {
        OURS: "django_fsspec_storages.backends.ftp.FTPStorage",
        PEERS: "storages.backends.ftp.FTPStorage",
    }

    def options(self, package: str, overwrite: bool) -> dict[str, Any]:
        """See :meth:`Bench.options`."""
        scheme = "ftps" if self.server.tls else "ftp"
        location = f"{scheme}://{USER}:{_PASSWORD}@{HOST}:{self.port}//{self.folder.name}"
        verified = {"tls_ca_file": str(self.server.ca_file)} if self.server.tls and package == OURS else {}
        return {"location": location, "allow_overwrite": overwrite, **verified}  # the peer verifies nothing


@contextmanager
def _bench(
    kind: type[Bench],
    server: Callable[..., Any],
    protocol: Literal["tcp", "ftp"],
    run: Run,
    rtt: float | None = None,
    **options: Any,
) -> Iterator[Bench]:
    with ExitStack() as running:
        served = running.enter_context(server(**options))
        folder: Path = served.root / "media"
        folder.mkdir()
        proxy = None
        if rtt is not None:
            proxy = running.enter_context(Proxy(served, rtt=rtt, handshake=True, protocol=protocol))
        yield kind(run.rivals, served, folder, proxy)


_FTP = partial(FTPServer, password=_PASSWORD)

#: What makes a bench, by protocol. Given ``rtt``, it is behind a proxy. More options are the server's.
BENCHES: dict[str, Callable[..., AbstractContextManager[Bench]]] = {
    "sftp": partial(_bench, _SFTPBench, SFTPServer, "tcp"),
    "ftp": partial(_bench, _FTPBench, _FTP, "ftp"),
    "ftps": partial(_bench, _FTPBench, partial(_FTP, tls="explicit"), "tcp"),
}
