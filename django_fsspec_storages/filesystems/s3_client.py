"""One client of S3 for a filesystem and its copies: made on first use, shared by threads, closed when it is dropped."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django_fsspec_storages.errors import classify
from django_fsspec_storages.filesystems.chores import of_the_parent
from django_fsspec_storages.filesystems.driver import Step, arun, filesystem_loop
from django_fsspec_storages.filesystems.s3_closing import closed_with
from django_fsspec_storages.filesystems.s3_errors import code_of, explain, telling, waited
from django_fsspec_storages.filesystems.s3_lent import Lender
from django_fsspec_storages.filesystems.s3_sdk import bound_tunnels, listen, read_models
from django_fsspec_storages.filesystems.tracebacks import forget_values
from django_fsspec_storages.filesystems.transfers import Metadata

__all__ = ["S3Client", "at_home"]

logger = logging.getLogger("django_fsspec_storages")

T = TypeVar("T")

#: What an SDK client is told unless ``config_kwargs`` say otherwise.
_CONFIG: Mapping[str, Any] = {
    "max_pool_connections": 50,
    "signature_version": "s3v4",
}

_CHECKSUMS = ("request_checksum_calculation", "response_checksum_validation")


async def at_home(function: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
    """Await a coroutine function on the filesystem's loop, which has the connections, from whatever loop."""
    if asyncio.get_running_loop() is filesystem_loop():
        return await function(*arguments)

    async def logic() -> T:
        result: T = await Step(function, *arguments)
        return result

    return await arun(logic())


class S3Client(Lender):
    """The SDK's client, with what S3 needs beside its defaults; a forked child makes one of its own.

    :param session: the SDK's session, which finds credentials and renews them.
    :param make_session: makes another, for a forked child; None: it is the caller's.
    :param create_bucket: parameters of the request that creates a missing bucket; None: it is not created.
    """

    def __init__(
        self,
        session: Any,
        make_session: Callable[[], Any] | None,
        client_options: Mapping[str, Any],
        config: Mapping[str, Any],
        create_bucket: Mapping[str, Any] | None,
    ) -> None:
        from botocore.config import Config

        given = {**_CONFIG, **config}
        #: What is said of checksums, and kept from an SDK that does not know it: botocore does since 1.36.
        self._checksums = {name: given.get(name) for name in _CHECKSUMS}
        unknown = {name for name in _CHECKSUMS if name not in Config.OPTION_DEFAULTS}
        super().__init__(
            client_options, {name: value for name, value in given.items() if name not in unknown}
        )
        self.session = session
        self._make_session = make_session
        self._create_bucket = create_bucket
        self._created: Counter[str] = Counter()
        self._members: dict[str, frozenset[str]] = {}
        #: The server has said that it knows no conditional writes.
        self.no_conditions = False
        #: Whether requests carry checksums, and replies are asked for theirs.
        self.sends_checksums = self.asks_for_checksums = True
        #: Seconds without progress, and for a connection.
        self.patience: float | None = None
        self.connect_patience: float | None = None
        self._lock = asyncio.Lock()
        self._client: Any = None
        self._close: Callable[[], Any] | None = None

    def forget(self) -> None:
        """See :meth:`Lender.forget`."""
        super().forget()
        self._lock = asyncio.Lock()
        self._client = self._close = None
        if self._make_session is not None:  # the parent's has locks of the parent's loop
            of_the_parent.append(self.session)
            self.session = self._make_session()

    async def client(self, refresh: bool = False) -> Any:
        """Return the SDK's client."""
        if self._client is None or refresh:
            await at_home(self._connect, refresh)
        return self._client

    async def _connect(self, refresh: bool) -> None:
        async with self._lock:
            if self._client is None or refresh:
                try:
                    self._client = await self._connected()
                except Exception as error:
                    forget_values(error)  # the SDK's frames hold the keys
                    if classify(error, explain) is not None:
                        raise
                    said = f"the SDK makes no client of these options: {error}"
                    raise telling(OSError(errno.EINVAL, said), OSError, said) from error

    async def _connected(self) -> Any:
        from aiobotocore.config import AioConfig

        await asyncio.to_thread(read_models, self.session)

        config, checksums = dict(self._config), dict(self._checksums)
        if "response_checksum_validation" in AioConfig.OPTION_DEFAULTS:
            for name in _CHECKSUMS:
                checksums[name] = checksums[name] or self.session.get_config_variable(name)
            # The SDK would hold a checksum of the whole object against a part of it: we ask, and check, ourselves.
            config["response_checksum_validation"] = "when_required"
        context = self.session.create_client("s3", config=AioConfig(**config), **self._client_options)
        client = await context.__aenter__()
        if self._close is not None:
            self._close()
        self._close = closed_with(self, context)
        bound_tunnels(client)
        settled = client.meta.config
        self.sends_checksums, self.asks_for_checksums = (
            str(checksums[name]).lower() != "when_required" for name in _CHECKSUMS
        )
        self.patience, self.connect_patience = settled.read_timeout, settled.connect_timeout
        verifies = self._client_options.get("verify") is not False
        listen(client.meta.events, self.asks_for_checksums, verifies)
        return client

    def members(self, operation: str) -> frozenset[str]:
        """Return the parameters that an operation takes, by its name (``"PutObject"``), once there is a client."""
        if operation not in self._members:
            shape = self._client.meta.service_model.operation_model(operation).input_shape
            self._members[operation] = frozenset(shape.members)
        return self._members[operation]

    async def call(self, operation: str, common: Mapping[str, Any], **parameters: Any) -> dict[str, Any]:
        """Perform a request.

        :param common: parameters of which those are sent that the operation takes, and that are not among the others.
        """
        return await at_home(self._perform, operation, common, Metadata(parameters))

    async def _perform(
        self, operation: str, common: Mapping[str, Any], parameters: Metadata
    ) -> dict[str, Any]:
        client = await self.client()
        members = self.members(operation)
        chosen = Metadata({name: value for name, value in common.items() if name in members} | parameters)
        method = getattr(client, _snake(operation))
        created = self._created[chosen["Bucket"]]
        with self.telling_waits():
            try:
                reply: dict[str, Any] = await method(**chosen)
            except Exception as error:
                if self._create_bucket is None or code_of(error) != "NoSuchBucket":
                    raise
                await self._make_bucket(client, chosen["Bucket"], created)
                if "Body" in chosen:
                    chosen["Body"].seek(0)
                reply = await method(**chosen)
        return reply

    @contextmanager
    def telling_waits(self) -> Iterator[None]:
        """Have the time-outs of the SDK say how long it waited."""
        from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

        try:
            yield
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            connecting = isinstance(error, ConnectTimeoutError)
            waited(error, self.connect_patience if connecting else self.patience)
            raise

    async def _make_bucket(self, client: Any, bucket: str, created: int) -> None:
        """Create a bucket, unless another has since it was found missing."""
        async with self._lock:
            if self._created[bucket] != created:
                return
            region = client.meta.region_name
            place = {} if region in (None, "us-east-1", "aws-global") else {"LocationConstraint": region}
            parameters = {"CreateBucketConfiguration": place} if place else {}
            try:
                await client.create_bucket(Bucket=bucket, **parameters | dict(self._create_bucket or {}))
            except Exception as error:
                if code_of(error) not in ("BucketAlreadyOwnedByYou", "OperationAborted"):
                    raise
            self._created[bucket] += 1
            logger.warning("The bucket %r did not exist: it was created", bucket)


def _snake(operation: str) -> str:
    return _METHODS.get(operation) or _METHODS.setdefault(operation, _xform(operation))


def _xform(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))


_METHODS: dict[str, str] = {}
