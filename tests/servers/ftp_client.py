"""Plain ftplib against the servers: what they are tested with, and what else a test may look at them with."""

from __future__ import annotations

import ftplib
import io
import socket
import ssl

import pytest

from tests.servers.process import HOST

__all__ = ["TLSClient", "connected", "logged_in", "read", "refusal", "rest_of", "store"]


class TLSClient(ftplib.FTP_TLS):
    """ftplib's, for implicit TLS too, and with the session of the control connection for data where asked to."""

    def __init__(self, *, context: ssl.SSLContext, implicit: bool, resume: bool) -> None:
        self.implicit, self.resume = implicit, resume
        super().__init__(context=context)

    def connect(self, host="", port=0, timeout=120, source_address=None):
        if not self.implicit:
            return super().connect(host, port, timeout)
        self.host, self.timeout = host, timeout
        raw = socket.create_connection((host, port), timeout)
        self.sock = self.context.wrap_socket(raw, server_hostname=host)
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def ntransfercmd(self, cmd, rest=None):
        if not self.resume:
            return super().ntransfercmd(cmd, rest)
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        session = self.sock.session
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size


def connected(server, *, context=None, encoding="utf-8", resume=False, **options) -> ftplib.FTP:
    """Return a client of a server that has been greeted: with TLS as the server wants it, or with ``tls=None``."""
    tls = options.get("tls", server.tls)
    client: ftplib.FTP
    if tls:
        context = context or ssl.create_default_context(cafile=server.ca_file)
        client = TLSClient(context=context, implicit=tls == "implicit", resume=resume)
    else:
        client = ftplib.FTP(encoding=encoding)
    try:
        client.connect(HOST, server.port, 120)
    except BaseException:
        client.close()
        raise
    return client


def logged_in(server, **options) -> ftplib.FTP:
    """Return a client in the server's folder, for binary data that is protected where there is TLS."""
    client = connected(server, **options)
    try:
        known = server.options()
        client.login(known["username"], known["password"])
        if isinstance(client, TLSClient):
            client.prot_p()
        client.cwd(server.folder)
        client.voidcmd("TYPE I")
    except BaseException:
        client.close()
        raise
    return client


def refusal(call, *arguments, **options) -> str:
    """Return the reply, an error, that a call must come to."""
    with pytest.raises(ftplib.Error) as caught:
        call(*arguments, **options)
    return str(caught.value)


def store(client, name: str, content: bytes) -> str:
    """Store a file; return the reply."""
    try:
        return client.storbinary(f"STOR {name}", io.BytesIO(content))
    except OSError:  # it was told to end before its end: the reply says why
        return client.voidresp()


def read(client, command: str) -> bytes:
    """Return the data that a command brings."""
    got: list[bytes] = []
    client.retrbinary(command, got.append)
    return b"".join(got)


def rest_of(connection) -> bytes:
    """Return what comes over a connection before it ends, in whatever way."""
    got = b""
    try:
        while more := connection.recv(2**16):
            got += more
    except ConnectionError:
        pass
    return got
