"""What tests ask of any S3 server: clients, and buckets of their own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers.process import PATIENCE, ServerProcess

__all__ = ["Bucket", "Keys", "S3Server"]


@dataclass(frozen=True)
class Keys:
    """An access key and its secret."""

    key: str
    secret: str = field(repr=False)


class S3Server(ServerProcess):
    """A server that speaks S3.

    ``key`` and ``secret`` may do everything. ``endpoint`` is for path style; ``virtual_endpoint`` for virtual-host
    style, where ``<bucket>.localhost`` has to resolve: see ``tests.servers.names``.
    """

    region = "us-east-1"

    def __init__(self, python: str | Path, script: str) -> None:
        super().__init__(python, script)
        self.keys = Keys("testing", "testing")
        self._clients: dict[Any, Any] = {}

    @property
    def endpoint(self) -> str:
        """URL without a slash at the end."""
        return f"http://{self.address}"

    @property
    def virtual_endpoint(self) -> str:
        """URL of the same server by a name that buckets can stand before."""
        return f"http://localhost:{self.port}"

    @property
    def key(self) -> str:
        """Access key of the user that may do everything."""
        return self.keys.key

    @property
    def secret(self) -> str:
        """Secret of that user."""
        return self.keys.secret

    def client(
        self,
        service: str = "s3",
        *,
        keys: Keys | None = None,
        endpoint: str | None = None,
        region: str | None = None,
        **config: Any,
    ) -> Any:
        """Return a new botocore client, without retries, which the caller closes.

        :param keys: those of the server's own user by default.
        :param endpoint: another address, as of a proxy.
        :param region: what requests are signed for; the server's by default.
        :param config: arguments of ``botocore.config.Config``.
        """
        keys = keys or self.keys
        settings = {
            "retries": {"total_max_attempts": 1},
            "connect_timeout": PATIENCE,
            "read_timeout": PATIENCE,
            "s3": {"addressing_style": "path"},
            "signature_version": "s3v4" if service == "s3" else None,
            "proxies": {},
            **config,
        }
        return botocore.session.Session().create_client(
            service,
            region_name=region or self.region,
            endpoint_url=endpoint or self.endpoint,
            aws_access_key_id=keys.key,
            aws_secret_access_key=keys.secret,
            config=Config(**settings),
        )

    @property
    def admin(self) -> Any:
        """The one client for preparing and looking, made at the start."""
        return self._clients["s3"]

    def start(self, path: str = "/") -> None:
        """Start the server and make its client."""
        super().start(path)
        self._clients["s3"] = self.client()

    def stop(self) -> str:
        """End the server."""
        while self._clients:
            self._clients.popitem()[1].close()
        return super().stop()

    def bucket(
        self,
        name: str = "bucket",
        *,
        acls: bool = False,
        versioning: bool = False,
        object_lock: bool = False,
        region: str | None = None,
    ) -> Bucket:
        """Create an empty bucket with a name of its own.

        :param name: what the name begins with.
        :param acls: objects may have ACLs, also public ones; AWS refuses both in new buckets.
        :param versioning: keep every version.
        :param object_lock: objects can be locked, which asks for versions too.
        :param region: where it is. The servers care only for requests by AWS's host names, not by address.
        """
        bucket = Bucket(self, f"{name}-{uuid.uuid4().hex[:12]}")
        extra: dict[str, Any] = {"ObjectLockEnabledForBucket": True} if object_lock else {}
        if region:
            extra["CreateBucketConfiguration"] = {"LocationConstraint": region}
        self.admin.create_bucket(Bucket=bucket.name, **extra)
        if acls:
            rules = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
            self.admin.put_bucket_ownership_controls(Bucket=bucket.name, OwnershipControls=rules)
            self.admin.delete_public_access_block(Bucket=bucket.name)
        if versioning:
            self.admin.put_bucket_versioning(
                Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
            )
        return bucket


@dataclass(frozen=True)
class Bucket:
    """A bucket of a test, seen past the storage that is tested."""

    server: S3Server
    name: str

    def put(self, key: str, content: bytes = b"", **parameters: Any) -> Any:
        """Store an object; return what ``PutObject`` answers."""
        return self.server.admin.put_object(Bucket=self.name, Key=key, Body=content, **parameters)

    def get(self, key: str) -> bytes:
        """Return what an object holds, byte for byte as it is stored."""
        with self.server.admin.get_object(Bucket=self.name, Key=key)["Body"] as body:
            return bytes(body.read())

    def head(self, key: str) -> dict[str, Any] | None:
        """Return what ``HeadObject`` answers; None if there is no object."""
        try:
            return dict(self.server.admin.head_object(Bucket=self.name, Key=key))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def keys(self, prefix: str = "") -> list[str]:
        """Return every key in order."""
        return [entry["Key"] for entry in self._all("list_objects_v2", "Contents", Prefix=prefix)]

    def uploads(self) -> list[str]:
        """Return the key of every multipart upload that nobody finished or aborted."""
        return [entry["Key"] for entry in self._all("list_multipart_uploads", "Uploads")]

    def empty(self) -> None:
        """Remove every object, version, delete marker and unfinished upload."""
        admin = self.server.admin
        for upload in list(self._all("list_multipart_uploads", "Uploads")):
            admin.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])
        for key in self.keys():
            admin.delete_object(Bucket=self.name, Key=key)
        if not admin.get_bucket_versioning(Bucket=self.name).get("Status"):
            return  # both servers stumble over odd names where they list versions
        for kind in ("Versions", "DeleteMarkers"):
            found = [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for entry in self._all("list_object_versions", kind)
            ]
            for start in range(0, len(found), 1000):
                admin.delete_objects(
                    Bucket=self.name,
                    Delete={"Objects": found[start : start + 1000], "Quiet": True},
                    BypassGovernanceRetention=True,
                )

    def drop(self) -> None:
        """Remove the bucket and all that is in it."""
        self.empty()
        self.server.admin.delete_bucket(Bucket=self.name)

    def _all(self, operation: str, kind: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        paginator = self.server.admin.get_paginator(operation)
        for page in paginator.paginate(Bucket=self.name, **parameters):
            yield from page.get(kind, ())
