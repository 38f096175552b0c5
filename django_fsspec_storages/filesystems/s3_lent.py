"""What other code borrows of a filesystem on S3: boto3's objects, the keys that the SDK finds, URLs that it signs."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from django_fsspec_storages.filesystems.chores import of_the_parent
from django_fsspec_storages.filesystems.loop import bridge
from django_fsspec_storages.signing.sigv4 import Credentials

__all__ = ["Lender"]

#: How long credentials are kept that the SDK found, in seconds: it may know sooner that they have changed.
_KEPT = 300.0

#: How long before their end the SDK renews them if it is asked, in seconds: a URL is to live as long as it can.
_RENEWED = 900.0

_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class Lender:
    """Mix-in of the client, which is made with the session, the options and the configuration that count here too."""

    session: Any

    def __init__(self, client_options: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        self._client_options = client_options
        self._config = config
        self._credentials: tuple[Credentials | None, float] = (None, 0.0)
        self._credentials_lock = threading.Lock()
        self._resources: dict[bool, Any] = {}
        self._resources_lock = threading.Lock()

    def forget(self) -> None:
        """Begin anew in a forked child: connections have one owner."""
        of_the_parent.append(self._resources)
        self._resources = {}
        self._resources_lock = threading.Lock()
        self._credentials_lock = threading.Lock()

    async def client(self, refresh: bool = False) -> Any:
        """Return the SDK's client."""
        raise NotImplementedError

    def resource(self, unsigned: bool = False) -> Any:
        """Return boto3's resource with the same options: one for the process, made on first use.

        :param unsigned: its URLs and requests carry no signature.
        :raises ImportError: if boto3 is not installed.
        """
        with self._resources_lock:
            if unsigned not in self._resources:
                import boto3
                from botocore import UNSIGNED
                from botocore.config import Config

                config = {**self._config, **({"signature_version": UNSIGNED} if unsigned else {})}
                session = boto3.Session(profile_name=self.session.profile)
                self._resources[unsigned] = session.resource(
                    "s3", config=Config(**config), **self._client_options
                )
            return self._resources[unsigned]

    def credentials(self, wait: float | None = None) -> Credentials:
        """Return the keys that the SDK finds, which may take a request; they are kept, and asked for again in time.

        :param wait: how long that may take, in seconds; None: any time.
        :raises PermissionError: if there are none.
        :raises TimeoutError: if it takes longer.
        """
        known, until = self._credentials
        if known is None or time.time() > until:
            end = None if wait is None else time.monotonic() + wait
            # One asks, and those that came meanwhile have its answer.
            if not self._credentials_lock.acquire(timeout=-1 if wait is None else wait):
                raise TimeoutError(errno.ETIMEDOUT, "The SDK has not found credentials in time")
            try:
                known, until = self._credentials
                if known is None or time.time() > until:
                    left = None if end is None else max(0.0, end - time.monotonic())
                    known, until = bridge(self._frozen(), left)
                    self._credentials = known, until
            finally:
                self._credentials_lock.release()
        return known

    async def _frozen(self) -> tuple[Credentials, float]:
        found = await self.session.get_credentials()
        if found is None:
            raise PermissionError(errno.EACCES, "The SDK finds no credentials to sign with")
        frozen = await found.get_frozen_credentials()
        expires = getattr(found, "_expiry_time", None)
        until = time.time() + _KEPT
        if expires is not None:
            until = min(until, expires.timestamp() - _RENEWED)
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token), until

    def presigned(
        self,
        operation: str,
        bucket: str,
        key: str,
        parameters: Mapping[str, Any],
        seconds: int,
        method: str,
        *,
        signed: bool = True,
        wait: float | None = None,
    ) -> str:
        """Return a URL that the SDK signs, for what only it knows.

        :param signed: False: it carries no signature, and needs no credentials.
        :param wait: how long it may take, in seconds; None: any time.
        """

        async def presign() -> str:
            async with self._signing(signed) as client:
                url: str = await client.generate_presigned_url(
                    operation, {"Bucket": bucket, "Key": key, **parameters}, seconds, method
                )
                return url

        return bridge(presign(), wait)

    @asynccontextmanager
    async def _signing(self, signed: bool) -> AsyncIterator[Any]:
        """Yield the SDK's client, or one for this once that neither looks for credentials nor signs."""
        if signed:
            yield await self.client()
            return
        from aiobotocore.config import AioConfig
        from botocore import UNSIGNED

        config = AioConfig(**{**self._config, "signature_version": UNSIGNED})
        options = {name: value for name, value in self._client_options.items() if name not in _KEYS}
        async with self.session.create_client("s3", config=config, **options) as client:
            yield client

    def presigned_post(
        self,
        bucket: str,
        key: str,
        fields: Mapping[str, str],
        conditions: Sequence[Any],
        seconds: int,
        *,
        wait: float | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Return the address and the fields of a form that the SDK signs; ``wait`` as in :meth:`presigned`."""

        async def presign() -> dict[str, Any]:
            client = await self.client()
            reply: dict[str, Any] = await client.generate_presigned_post(
                bucket, key, dict(fields), list(conditions), seconds
            )
            return reply

        reply = bridge(presign(), wait)
        return reply["url"], reply["fields"]
