"""Our filesystem on the SFTP servers. Nothing here may import Django."""

from __future__ import annotations

from typing import Any

from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from tests.servers.sftp import SSHServer

__all__ = ["filesystem_on"]


def filesystem_on(server: SSHServer, **options: Any) -> SFTPFileSystem:
    """Return a filesystem of the caller's own."""
    return SFTPFileSystem(**server.options(**options), skip_instance_cache=True)
