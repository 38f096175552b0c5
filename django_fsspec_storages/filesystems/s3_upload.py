"""Writing one object of S3: one PUT for a small body, a multipart upload for a larger one."""

from __future__ import annotations

import asyncio
import base64
import errno
import logging
import os
import random
import secrets
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django_fsspec_storages.filesystems.s3_errors import FOREIGN, RETRIED, code_of, status_of, telling
from django_fsspec_storages.filesystems.s3_paths import split
from django_fsspec_storages.filesystems.s3_sending import LONG, Body, beside_the_loop, sent
from django_fsspec_storages.filesystems.transfers import Metadata, Upload

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.s3 import S3FileSystem

__all__ = ["TOKEN", "S3Upload"]

logger = logging.getLogger("django_fsspec_storages")

#: The user metadata that tells one save from another: after a lost reply it says whose object is there.
TOKEN = "save-token"  # noqa: S105 - a name

#: How many bytes may be on their way at a time, beside the part that is being gathered.
_ON_THE_WAY = 40 * 2**20

#: S3 takes 10,000 parts, of 5 GiB at most: their size doubles after so many.
_DOUBLES_AFTER = 1000
_LARGEST_PART = 5 * 2**30

#: How often a conditional write that met another is tried again, and how long at most before it, in seconds.
_CONFLICTS = 5
_PAUSE = 0.2

_CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256")


class S3Upload(Upload):
    """One object on its way to S3.

    :param metadata: parameters of PutObject and CreateMultipartUpload, by their names in the SDK.
    """

    def __init__(
        self, filesystem: S3FileSystem, path: str, exclusive: bool, metadata: Mapping[str, Any]
    ) -> None:
        self._filesystem = filesystem
        self._path = path
        self._bucket, self._key = split(path)
        self._exclusive = exclusive
        self._token = secrets.token_urlsafe(16)
        mine = {**(metadata.get("Metadata") or {}), TOKEN: self._token}
        self._metadata = Metadata({**metadata, "Metadata": mine})
        self._first: bytes | None = None  # perhaps the only part
        self._creating: asyncio.Task[dict[str, Any]] | None = None
        self._parts: list[asyncio.Task[dict[str, Any]]] = []
        self._ended = False
        self.part_size = filesystem.part_size

    async def part(self, data: bytes) -> None:
        """See :meth:`Upload.part`."""
        if self._creating is None and self._first is None:
            self._first = data
            return
        with self._filesystem.ours(self._path):
            upload = await self._create()
            if self._first is not None:
                self._send(upload, self._first)
                self._first = None
            at_once = max(
                1, min(self._filesystem.max_concurrency, _ON_THE_WAY // max(1, self.part_size or 1))
            )
            while len(moving := [part for part in self._parts if not part.done()]) >= at_once:
                await asyncio.wait(moving, return_when=asyncio.FIRST_COMPLETED)
            for part in self._parts:
                if part.done():
                    part.result()
            self._send(upload, data)

    async def _create(self) -> str:
        # A task of its own: cancelling the part must not lose the id of what is open by then.
        if self._creating is None:
            client = self._filesystem.client
            await client.client()
            wanted = {"ChecksumAlgorithm": "CRC32"} if client.sends_checksums else {}
            call = client.call(
                "CreateMultipartUpload", Metadata(wanted | self._metadata), Bucket=self._bucket, Key=self._key
            )
            self._creating = asyncio.create_task(call)
        reply = await asyncio.shield(self._creating)
        return str(reply["UploadId"])

    def _send(self, upload: str, data: bytes) -> None:
        number = len(self._parts) + 1
        call = self._body("UploadPart", _of_a_part(self._metadata), data, PartNumber=number, UploadId=upload)
        self._parts.append(asyncio.create_task(call))
        if number % _DOUBLES_AFTER == 0 and not self._filesystem.fixed_upload_size:
            self.part_size = min((self.part_size or 0) * 2, _LARGEST_PART)

    async def _body(
        self, operation: str, metadata: Mapping[str, Any], data: bytes, **parameters: Any
    ) -> dict[str, Any]:
        client = self._filesystem.client
        await client.client()
        if client.sends_checksums and not any(name.startswith("Checksum") for name in metadata):
            # Given as a header: as a trailer, which is the SDK's way, services that are not Amazon's refuse it.
            crc = zlib.crc32(data) if len(data) < LONG else await beside_the_loop(zlib.crc32, data)
            parameters["ChecksumCRC32"] = base64.b64encode(crc.to_bytes(4, "big")).decode()
        body = Body(data)
        call = client.call(operation, metadata, Bucket=self._bucket, Key=self._key, Body=body, **parameters)
        return _of_s3(await sent(call, body, client.patience))

    async def commit(self) -> None:
        """See :meth:`Upload.commit`."""
        with self._filesystem.ours(self._path):
            await self._publish(exclusive=self._exclusive and await self._on_condition())
        self._ended = True

    async def _on_condition(self) -> bool:
        """Tell whether the server is to decide; where it is not, look before it."""
        if self._filesystem.exclusive_create is False or self._filesystem.client.no_conditions:
            if await self._found() is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path)
            return False
        return True

    async def _found(self) -> dict[str, Any] | None:
        """Return the reply to HeadObject; None if there is no such object."""
        try:
            return await self._filesystem.client.call(
                "HeadObject", self._metadata, Bucket=self._bucket, Key=self._key
            )
        except Exception as error:
            if status_of(error) == 404:
                return None
            raise

    async def _publish(self, exclusive: bool) -> None:
        conflict: Exception | None = None
        for attempt in range(_CONFLICTS + 1):
            try:
                await self._request(exclusive)
            except Exception as error:
                if code_of(error) in RETRIED and attempt < _CONFLICTS:
                    conflict = error
                    await asyncio.sleep(random.uniform(0, _PAUSE * (attempt + 1)))  # noqa: S311 - no secret
                elif exclusive and status_of(error) == 501 and self._filesystem.exclusive_create == "auto":
                    self._learn()
                    await self._publish(exclusive=await self._on_condition())
                    return
                elif await self._is_mine(error):
                    return
                elif conflict is not None and status_of(error) == 404:  # the conflict has ended the upload
                    raise conflict from None
                elif code_of(error) in RETRIED and not self._exclusive:
                    raise telling(error, ConnectionError, "others kept writing to it, try again") from None
                else:
                    raise
            else:
                return

    async def _request(self, exclusive: bool) -> None:
        condition = {"IfNoneMatch": "*"} if exclusive else {}
        if self._creating is None:
            await self._body("PutObject", self._metadata, self._first or b"", **condition)
        else:
            await self._complete((await self._creating)["UploadId"], **condition)

    def _learn(self) -> None:
        """Note that the server knows no conditional writes, and say so once."""
        client = self._filesystem.client
        if not client.no_conditions:
            logger.warning(
                "%s: the server knows no conditional writes: names are checked before they are written, so two "
                "processes may overwrite each other. Set exclusive_create=False to check from the start",
                self._filesystem.describe(),
            )
        client.no_conditions = True

    async def _complete(self, upload: str, **condition: str) -> None:
        replies = [await part for part in self._parts]
        parts = [
            {
                "PartNumber": number,
                "ETag": reply["ETag"],
                **{name: reply[name] for name in _CHECKSUMS if name in reply},
            }
            for number, reply in enumerate(replies, 1)
        ]
        reply = await self._filesystem.client.call(
            "CompleteMultipartUpload",
            _of_a_part(self._metadata),
            Bucket=self._bucket,
            Key=self._key,
            UploadId=upload,
            MultipartUpload={"Parts": parts},
            **condition,
        )
        _of_s3(reply)

    async def _is_mine(self, error: BaseException) -> bool:
        """Tell whether a refusal came of our own success, whose reply was lost and whose request was repeated.

        That is not only the SDK's doing, which would tell: its HTTP client and proxies on the way repeat a PUT too.
        A reply that is not S3's says nothing of what was done.
        """
        foreign = isinstance(error, _NotOfS3)
        if status_of(error) not in (404, 412) and not foreign:
            return False
        try:
            found = await self._found()
        except Exception as unknown:
            if status_of(unknown) == 403 or foreign:  # who may only write cannot look
                return False
            raise
        return found is not None and found.get("Metadata", {}).get(TOKEN) == self._token

    async def abort(self) -> None:
        """See :meth:`Upload.abort`."""
        if self._ended:
            return
        for part in self._parts:
            part.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)
        if self._creating is not None:
            await asyncio.wait({self._creating})  # who is cancelled here must not cancel it
            if not self._creating.cancelled() and self._creating.exception() is None:
                await self._filesystem.abort_multipart(self._path, self._creating.result()["UploadId"])
        self._ended = True  # not before: an abort that failed may be tried again
        self._first = None


class _NotOfS3(OSError):
    """A reply that names nothing that is stored, as S3's do."""


def _of_s3(reply: dict[str, Any]) -> dict[str, Any]:
    if "ETag" not in reply:
        raise telling(_NotOfS3(errno.EIO, FOREIGN.advice), *FOREIGN)
    return reply


def _of_a_part(metadata: Metadata) -> Metadata:
    """Return what holds for parts too, which is no checksum of the whole content."""
    whole = {name for name in metadata if name.startswith("Checksum") and name != "ChecksumAlgorithm"}
    return Metadata({name: value for name, value in metadata.items() if name not in whole | {"ContentMD5"}})
