"""Fixtures of the servers, for every ``conftest.py``. Nothing here may import Django."""

from __future__ import annotations

import asyncio.constants
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.environment import without_aws
from tests.servers.names import resolving
from tests.servers.proxy import Listening, Proxy

if TYPE_CHECKING:  # botocore is imported by the tests that use it, not by all
    from tests.servers.ftp import FTPServer
    from tests.servers.ministack import MiniStack
    from tests.servers.moto import Moto
    from tests.servers.s3 import Bucket, S3Server
    from tests.servers.sftp import SFTPServer, SSHServer
    from tests.servers.sshd import OpenSSHServer

__all__ = [
    "aws_environment",
    "bucket",
    "ftp_list_server",
    "ftp_server",
    "ftps_implicit_server",
    "ftps_server",
    "localhost_names",
    "ministack",
    "moto",
    "own_ssh_server",
    "plain_sftp_server",
    "proxied",
    "proxy",
    "pytest_configure",
    "pytest_plugins",
    "s3_bucket",
    "sftp_server",
    "sshd_server",
]

pytest_plugins = ["tests.support.garbage"]


def pytest_configure() -> None:
    """Keep asyncio's debug mode, which ``PYTHONDEVMODE`` switches on, from logging every step above 100 ms.

    A busy machine takes that long for anything; what nobody waited for and nobody caught is logged as an error. Nor does
    it keep ten lines of the stack for each step of every event loop, which took a fifth of the whole run.
    """
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    asyncio.constants.DEBUG_STACK_DEPTH = 1  # type: ignore[misc]


@pytest.fixture(scope="session")
def aws_environment() -> Iterator[None]:
    """From here on no variable and no file of this machine's tells an AWS SDK anything."""
    with without_aws():
        yield


@pytest.fixture(scope="session")
def ministack(aws_environment: None) -> Iterator[MiniStack]:
    """One MiniStack for all tests of this process. A server that cannot start is an error, never a skip."""
    from tests.servers.ministack import MiniStack

    with MiniStack() as server:
        yield server


@pytest.fixture(scope="session")
def moto(aws_environment: None) -> Iterator[Moto]:
    """One moto for all tests of this process."""
    from tests.servers.moto import Moto

    with Moto() as server:
        yield server


@pytest.fixture(scope="session")
def sftp_server() -> Iterator[SFTPServer]:
    """One SFTP server for all tests of this process."""
    from tests.servers.sftp import SFTPServer

    with SFTPServer() as server:
        yield server


@pytest.fixture(scope="session")
def plain_sftp_server() -> Iterator[SFTPServer]:
    """One SFTP server for all tests of this process, that knows no extensions: no hard links, and no POSIX renames."""
    from tests.servers.sftp import SFTPServer

    with SFTPServer(extensions=False) as server:
        yield server


@pytest.fixture(scope="session")
def ftp_server() -> Iterator[FTPServer]:
    """One FTP server for all tests of this process, that writes down commands; so do those that follow."""
    from tests.servers.ftp import FTPServer

    with FTPServer(commands=True) as server:
        yield server


@pytest.fixture(scope="session")
def ftps_server() -> Iterator[FTPServer]:
    """One FTP server with explicit TLS, required."""
    from tests.servers.ftp import FTPServer

    with FTPServer(tls="explicit", commands=True) as server:
        yield server


@pytest.fixture(scope="session")
def ftps_implicit_server() -> Iterator[FTPServer]:
    """One FTP server with TLS from the first byte."""
    from tests.servers.ftp import FTPServer

    with FTPServer(tls="implicit", commands=True) as server:
        yield server


@pytest.fixture(scope="session")
def ftp_list_server() -> Iterator[FTPServer]:
    """One FTP server that knows LIST alone: neither MLSD nor MLST."""
    from tests.servers.ftp import FTPServer

    with FTPServer(mlst=False, commands=True) as server:
        yield server


@pytest.fixture(scope="session")
def sshd_server() -> Iterator[OpenSSHServer]:
    """One sshd of OpenSSH's for all tests of this process, where there can be one."""
    from tests.servers.sshd import openssh

    with openssh() as server:
        yield server


@pytest.fixture(params=["asyncssh", "openssh"])
def own_ssh_server(request: pytest.FixtureRequest) -> Iterator[SSHServer]:
    """An SFTP server of the test's own, which it may stop: each kind, where there can be one."""
    from tests.servers.sftp import SFTPServer
    from tests.servers.sshd import openssh

    with SFTPServer() if request.param == "asyncssh" else openssh() as server:
        yield server


@pytest.fixture
def s3_bucket(request: pytest.FixtureRequest) -> Iterator[Callable[..., Bucket]]:
    """Make buckets that go with the test: ``s3_bucket(name, server=moto, acls=True)``; on MiniStack by default."""
    made: list[Bucket] = []

    def make(name: str = "bucket", *, server: S3Server | None = None, **options: Any) -> Bucket:
        server = server or request.getfixturevalue("ministack")
        made.append(server.bucket(name, **options))
        return made[-1]

    yield make
    for each in made:
        each.drop()


@pytest.fixture
def bucket(s3_bucket: Callable[..., Bucket]) -> Bucket:
    """An empty bucket of the test's own, on MiniStack."""
    return s3_bucket()


@pytest.fixture
def proxied(request: pytest.FixtureRequest) -> Iterator[Callable[..., Proxy]]:
    """Put proxies before servers: ``proxied(moto, rtt=0.02)``; before MiniStack by default."""
    with ExitStack() as running:

        def make(server: Listening | None = None, **network: Any) -> Proxy:
            server = server or request.getfixturevalue("ministack")
            return running.enter_context(Proxy(server, **network))

        yield make


@pytest.fixture
def proxy(proxied: Callable[..., Proxy]) -> Proxy:
    """A proxy of the test's own, before MiniStack."""
    return proxied()


@pytest.fixture
def localhost_names() -> Iterator[None]:
    """Let ``<bucket>.localhost`` be found, for virtual-host style at a server's ``virtual_endpoint``."""
    with resolving(".localhost"):
        yield
