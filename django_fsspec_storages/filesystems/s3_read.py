"""Reading S3: ranges of one version of an object, held against its checksum; and listings in pages."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import threading
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.ahead import BLOCK, Ahead
from django_fsspec_storages.filesystems.s3_errors import status_of, telling
from django_fsspec_storages.filesystems.s3_paths import split
from django_fsspec_storages.filesystems.s3_ranges import Part, facts_of
from django_fsspec_storages.filesystems.s3_sending import LONG, beside_the_loop
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.s3 import S3FileSystem

__all__ = ["S3Download", "S3Scan"]


class S3Download(Download):
    """Ranges of one version; a reader that reads on finds the next blocks on their way."""

    largest_block = BLOCK

    def __init__(self, filesystem: S3FileSystem, part: Part, start: int) -> None:
        super().__init__(part.facts)
        self._filesystem = filesystem
        fetch = partial(_fetched, filesystem, self.facts)
        self._ahead = Ahead(fetch, self.size, filesystem.max_concurrency, start, part.data)
        self._check = _Check(part, start)

    async def read(self, start: int, end: int) -> bytes:
        """See :meth:`Download.read`."""
        data = await self._ahead.read(start, end)
        with self._filesystem.ours(self.facts.path):
            if len(data) < LONG or not self._check.expects:
                self._check.saw(start, data)
            else:
                await beside_the_loop(self._check.saw, start, data)
        return data

    async def close(self) -> None:
        """See :meth:`Download.close`."""
        self._ahead.close()


async def _fetched(filesystem: S3FileSystem, facts: Facts, start: int, end: int) -> bytes:
    # Knows nothing of the download: one that is dropped ends what is on its way.
    path, version = facts.path, facts.version
    with filesystem.ours(path):
        try:
            condition = {"IfMatch": version} if version else {}
            part = await filesystem._range(path, start, end, **condition)
        except Exception as error:
            if status_of(error) in (404, 412, 416):
                raise _changed(path) from error
            raise
    if part.facts.version != version or part.facts.size != facts.size:  # of a server that ignores If-Match
        raise _changed(path)
    return part.data


def _changed(path: str) -> FileChangedError:
    return FileChangedError(errno.ESTALE, os.strerror(errno.ESTALE), path)


class _Check:
    """Holds what is read from the start to the end against the checksum of the whole, where the server gave one.

    Amazon's reply to a range that is a part of a multipart upload carries the checksum of that part:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html. Others give that of the whole.
    """

    def __init__(self, part: Part, start: int) -> None:
        self._size = part.facts.size
        self._position = 0
        self._crc = 0
        self._digest: Any = None
        self._expected = b""
        self._failed = False
        self._lock = threading.Lock()  # of readers that read the same at one time, one counts
        if start == 0:  # and never as long as a part
            self._expect(part)

    @property
    def expects(self) -> bool:
        """Whether there is a checksum to hold against."""
        return bool(self._expected)

    def _expect(self, part: Part) -> None:
        for name in ("crc32", "sha256", "sha1"):
            value = part.headers.get(f"x-amz-checksum-{name}", "")
            if value and "-" not in value:  # else it is a checksum of the parts' checksums
                self._expected = base64.b64decode(value)
                self._digest = None if name == "crc32" else hashlib.new(name, usedforsecurity=False)
                return

    def saw(self, start: int, data: bytes) -> None:
        """Take what was read.

        :raises OSError: if that was the end of the whole content, and it is not what the server has; and ever after.
        """
        with self._lock:
            if self._expected and start == self._position and data:
                self._position += len(data)
                if self._digest is not None:
                    self._digest.update(data)
                else:
                    self._crc = zlib.crc32(data, self._crc)
                if self._position == self._size:
                    found = self._crc.to_bytes(4, "big") if self._digest is None else self._digest.digest()
                    self._failed = found != self._expected
        if self._failed:
            said = "what came is not what the server has: the checksums differ"
            raise telling(OSError(errno.EIO, said), OSError, said)


class S3Scan(Scan):
    """A listing, a thousand names a page."""

    def __init__(
        self, filesystem: S3FileSystem, path: str, delimiter: str | None, start_after: str | None
    ) -> None:
        self._filesystem = filesystem
        self._path = path
        self._bucket, folder = split(path)
        self._prefix = folder and folder + "/"
        self._start_after = start_after
        self._delimiter = {"Delimiter": delimiter} if delimiter is not None else {}
        after = {"StartAfter": split(start_after)[1]} if start_after is not None else {}
        self._next: dict[str, str] | None = self._delimiter | after

    async def page(self) -> list[Facts] | None:
        """See :meth:`Scan.page`."""
        while self._next is not None:
            with self._filesystem.ours(self._path):
                reply = await self._filesystem._page(self._bucket, self._prefix, **self._next)
            following = reply.get("NextContinuationToken") if reply.get("IsTruncated") else None
            self._next = {"ContinuationToken": following, **self._delimiter} if following else None
            page = [
                facts_of(f"{self._bucket}/{entry['Key']}", entry)
                for entry in reply.get("Contents", ())
                if not entry["Key"].endswith("/")  # the placeholder of a folder
            ]
            page += [
                Facts(f"{self._bucket}/{entry['Prefix'].removesuffix('/')}", "directory")
                for entry in reply.get("CommonPrefixes", ())
            ]
            page = [f for f in page if self._start_after is None or f.path > self._start_after]
            if page:
                return sorted(page, key=lambda facts: facts.path)
        return None
