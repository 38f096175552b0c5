"""sshfs as it is, where a storage would be."""

from __future__ import annotations

from typing import Any

from sshfs import SSHFileSystem

__all__ = ["Plain"]


class Plain:
    """Opens, reads and writes below a folder.

    :param options: of sshfs.
    """

    def __init__(self, root: str, **options: Any) -> None:
        self._root = root
        self._fs: Any = SSHFileSystem(**options)

    def open(self, name: str) -> Any:
        """Open to read."""
        return self._fs.open(self._path(name), "rb")

    def cat(self, name: str) -> bytes:
        """Return all at once."""
        content: bytes = self._fs.cat_file(self._path(name))
        return content

    def put(self, path: str, name: str) -> None:
        """Store a file."""
        self._fs.put_file(path, self._path(name))

    def exists(self, name: str) -> bool:
        """Tell whether there is one."""
        return bool(self._fs.exists(self._path(name)))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"
