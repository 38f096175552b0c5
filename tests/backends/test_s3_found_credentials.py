"""Credentials that are not in the options: the SDK finds them, keeps them and renews them, for requests and for URLs."""

from __future__ import annotations

import json
import socket
import sys
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.utils import ContainerMetadataFetcher
from django.core.files.base import ContentFile

from django_fsspec_storages.backends.s3 import S3Storage
from django_fsspec_storages.filesystems import registry, s3_lent
from django_fsspec_storages.filesystems.loop import bridge
from tests.backends.metadata_service import MetadataService, metadata_service
from tests.backends.s3_storages import fetch, query
from tests.servers.ministack import EVERYTHING, MiniStack, allow
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket
from tests.support.waiting import PATIENCE

ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"]}


@pytest.fixture(autouse=True)
def as_in_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_cache", OrderedDict())


@pytest.fixture
def role(ministack: MiniStack) -> str:
    """Make a role that anybody may take, and that may do everything in S3."""
    iam, name = ministack._clients["iam"], f"role-{uuid.uuid4().hex[:12]}"
    version = {"Version": "2012-10-17"}
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(version | {"Statement": [ANYBODY]})
    )
    iam.put_role_policy(
        RoleName=name, PolicyName="tests", PolicyDocument=json.dumps(version | {"Statement": [EVERYTHING]})
    )
    return str(made["Role"]["Arn"])


@pytest.fixture
def service(ministack: MiniStack, role: str) -> Iterator[MetadataService]:
    """Run a metadata service that gives temporary keys of the role."""
    sts = ministack.client("sts", keys=ministack.user(allow("sts:*")))

    def issue() -> dict[str, Any]:
        found: dict[str, Any] = sts.assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
        return found

    with metadata_service(issue) as running:
        yield running
    sts.close()


@pytest.fixture
def container(service: MetadataService, monkeypatch: pytest.MonkeyPatch) -> MetadataService:
    """Let this process be in a container with a role."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.address}/container")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of this container")
    # The SDK asks again after two seconds: a busy machine would hand out keys twice.
    monkeypatch.setattr(ContainerMetadataFetcher, "TIMEOUT_SECONDS", PATIENCE)
    return service


def keyless(bucket: Bucket, endpoint: str | None = None, **options: Any) -> S3Storage:
    region = bucket.server.region
    return S3Storage(
        bucket_name=bucket.name,
        endpoint_url=endpoint or bucket.server.endpoint,
        region_name=region,
        **options,
    )


def key_of(url: str) -> str:
    return query(url)["X-Amz-Credential"].partition("/")[0]


def works(storage: S3Storage, bucket: Bucket) -> str:
    """See that requests and URLs are accepted; return the id of the key that URLs are signed with."""
    name = f"{uuid.uuid4().hex}.txt"
    storage.save(name, ContentFile(b"content"))
    assert bucket.get(name) == b"content"
    assert fetch(storage.url(name)).body == b"content"
    return key_of(storage.url(name))


def test_of_a_container(container: MetadataService, bucket: Bucket) -> None:
    storage = keyless(bucket)
    assert not storage.signs_offline
    assert works(storage, bucket) == container.issued[0]
    assert query(storage.url("a"))["X-Amz-Security-Token"]
    assert set(container.authorized) == {"of this container"}
    ticket = storage.upload_ticket("t.txt", method="PUT")
    assert fetch(ticket.url, "PUT", b"x", ticket.headers).status == 200


def test_they_are_fetched_once(container: MetadataService, bucket: Bucket) -> None:
    storage, same = keyless(bucket), keyless(bucket)
    for number in range(10):
        works(storage, bucket)
        same.url(str(number))
    assert len(container.issued) == 1


def test_by_many_threads_that_begin_at_once(container: MetadataService, bucket: Bucket) -> None:
    storage = keyless(bucket)
    with ThreadPoolExecutor(16) as threads:
        urls = list(threads.map(lambda number: storage.url("a"), range(64)))
    assert {key_of(url) for url in urls} <= set(container.issued)
    assert len(container.issued) <= 2  # the session's, and perhaps one more while the first was on its way


def test_when_they_expire_the_next_ones_are_used(
    container: MetadataService, bucket: Bucket, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    container.lifetime = timedelta(minutes=30)
    storage = keyless(bucket, proxy.endpoint)
    client = storage.fs
    works(storage, bucket)
    first = key_of(storage.url("a"))
    assert works(storage, bucket) == first, "they are good for longer"
    container.lifetime = timedelta(hours=2)
    later = timedelta(minutes=31)
    found = bridge(client.session.get_credentials())
    monkeypatch.setattr(found, "_time_fetcher", lambda: datetime.now(UTC) + later)
    monkeypatch.setattr(
        s3_lent,
        "time",
        SimpleNamespace(time=lambda: time.time() + later.total_seconds(), monotonic=time.monotonic),
    )
    before = len(container.issued)
    proxy.forget()
    assert works(storage, bucket) == container.issued[-1] != first
    assert len(container.issued) == before + 1
    assert all(container.issued[-1] in str(request.headers) + request.target for request in proxy.requests)
    assert storage.fs is client, "nothing is made anew"


def test_of_an_instance(service: MetadataService, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.address)
    monkeypatch.setenv("AWS_METADATA_SERVICE_TIMEOUT", str(int(PATIENCE)))  # else a second
    assert works(keyless(bucket), bucket) == service.issued[0]
    assert len(service.issued) == 1


def test_of_a_web_identity(
    ministack: MiniStack, role: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("a token of the cluster's")
    monkeypatch.setenv("AWS_ROLE_ARN", role)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", ministack.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", ministack.region)
    assert works(keyless(bucket), bucket).startswith("ASIA")


def test_of_a_profile_and_its_process(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = bucket.server.keys
    said = {"Version": 1, "AccessKeyId": keys.key, "SecretAccessKey": keys.secret}
    (tmp_path / "process.py").write_text(f"print({json.dumps(said)!r})")
    (tmp_path / "config").write_text(
        f"[profile work]\ncredential_process = {sys.executable} {tmp_path / 'process.py'}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert works(keyless(bucket, session_profile="work"), bucket) == keys.key


def test_of_the_environment(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.server.secret)
    storage = keyless(bucket)
    assert storage.signs_offline
    assert works(storage, bucket) == bucket.server.key


def test_there_are_none(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    storage = keyless(bucket)
    for use in (storage.url, storage.exists, storage.upload_ticket):
        with pytest.raises(PermissionError, match=r"set access_key and secret_key, give the machine a role"):
            use("a")
    assert keyless(bucket, querystring_auth=False).url("a") == f"{bucket.server.endpoint}/{bucket.name}/a"


def test_there_is_no_such_profile(bucket: Bucket) -> None:
    with pytest.raises(PermissionError, match="session_profile") as caught:
        keyless(bucket, session_profile="nobodys").url("a")
    assert type(caught.value.__cause__).__name__ == "ProfileNotFound"


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process be in a container whose service takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/container"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        yield


def test_a_search_for_credentials_ends_in_time(silent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = S3Storage(bucket_name="media", region_name="us-east-1", total_timeout=0.3)
    for call in (storage.url, storage.upload_ticket):
        with pytest.raises(TimeoutError, match="total_timeout is 0.3 s"):
            call("a.txt")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example")
    elsewhere = S3Storage(bucket_name="media", total_timeout=0.3)
    with pytest.raises(TimeoutError, match="total_timeout is 0.3 s"):
        elsewhere.url("a.txt")


def test_nobody_waits_longer_for_another_search(silent: None) -> None:
    storage = S3Storage(bucket_name="media", region_name="us-east-1", total_timeout=0.3)
    filesystem: Any = storage.fs
    with filesystem.client._credentials_lock, pytest.raises(TimeoutError, match="total_timeout is 0.3 s"):
        storage.url("a.txt")
    with pytest.raises(TimeoutError):  # and it is free again
        storage.url("a.txt")
