"""What other code borrows of SFTP: paramiko's client, for those who have it installed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import asyncssh

from django_fsspec_storages.filesystems.sftp_login import known_hosts_file

__all__ = ["lend_client"]


def lend_client(host: str, params: Mapping[str, Any], known_hosts: str | os.PathLike[str] | None) -> Any:
    """Return paramiko's ``SSHClient``, logged in: a connection of its own, which the caller closes.

    :param params: of its ``connect``.
    :param known_hosts: the file of trusted keys; None: ``~/.ssh/known_hosts``.
    :raises ImportError: if paramiko is not installed.
    """
    import paramiko

    file = known_hosts_file(known_hosts)

    class Known(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """Knows patterns too, which paramiko's own look into the file does not."""

        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            port = int(params.get("port") or 22)
            known = asyncssh.match_known_hosts(str(file), host, "", port) if file.exists() else ((), (), ())
            trusted, _, revoked = ([each.public_data for each in keys] for keys in known[:3])
            if key.asbytes() not in trusted or key.asbytes() in revoked:
                paramiko.RejectPolicy().missing_host_key(client, hostname, key)

    client = paramiko.SSHClient()
    if file.exists() and not any(line.lstrip().startswith(b"@") for line in file.read_bytes().splitlines()):
        client.load_host_keys(str(file))  # it cannot read lines with a marker, of keys that are revoked
    client.set_missing_host_key_policy(Known())
    named = params.get("key_filename") or ()
    files = [named] if isinstance(named, (str, os.PathLike)) else named
    try:
        # Of a path paramiko believes that it is a list
        client.connect(host, **{**params, "key_filename": [os.fspath(file) for file in files]})
    except BaseException:
        client.close()
        raise
    return client
