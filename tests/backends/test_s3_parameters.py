"""A project's parameters for objects, and the hooks that decide them: on every request that takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile, File

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import on
from tests.backends.s3_ways import EVERY_WAY, Way, head
from tests.servers.moto import Moto
from tests.servers.proxy import Proxy
from tests.servers.proxy_records import Request
from tests.servers.s3 import Bucket

Buckets = Callable[..., Bucket]


@EVERY_WAY
@pytest.mark.parametrize("size", [10, 17 * 2**20], ids=["small", "parts"])
def test_parameters_of_every_object(size: int, way: Way, moto: Moto, s3_bucket: Buckets) -> None:
    bucket = s3_bucket(server=moto)  # the other server forgets the tags of what comes in parts
    parameters = {
        "CacheControl": "max-age=60",
        "ContentDisposition": "attachment",
        "ContentLanguage": "de",
        "Metadata": {"owner": "seven"},
        "ServerSideEncryption": "AES256",
        "StorageClass": "STANDARD_IA",
        "Tagging": "a=b&c=d",
        "WebsiteRedirectLocation": "/b",
    }
    way(on(bucket, object_parameters=parameters), "a.txt", File(ContentFile(b"x" * size)))
    found = head(bucket, "a.txt")
    assert found["ContentLength"] == size
    assert found["Metadata"].pop("owner") == "seven"
    assert set(found["Metadata"]) <= {"save-token"}
    tags = bucket.server.admin.get_object_tagging(Bucket=bucket.name, Key="a.txt")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "b", "c": "d"}
    for name in parameters.keys() - {"Metadata", "Tagging", "WebsiteRedirectLocation"}:
        assert found[name] == parameters[name]


@EVERY_WAY
def test_parameters_of_one_object(way: Way, bucket: Bucket) -> None:
    class Project(S3Storage):
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            return {**super().get_object_parameters(name), "CacheControl": f"of {name}"}

    way(
        on(bucket, Project, location="loc", object_parameters={"ContentLanguage": "de"}),
        "a",
        ContentFile(b""),
    )
    found = head(bucket, "loc/a")
    assert (found["CacheControl"], found["ContentLanguage"]) == ("of loc/a", "de")
    instance = on(bucket)
    instance.get_object_parameters = lambda name: {"CacheControl": "of the instance"}
    way(instance, "b", ContentFile(b""))
    assert head(bucket, "b")["CacheControl"] == "of the instance"


@EVERY_WAY
def test_a_project_says_all_that_is_written(way: Way, bucket: Bucket) -> None:
    class Project(S3Storage):
        def _get_write_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
            parameters = super()._get_write_parameters(name, content)
            if name.endswith(".html"):
                del parameters["CacheControl"]
            return {**parameters, "ContentLanguage": "de"}

    storage = on(bucket, Project, object_parameters={"CacheControl": "max-age=60"}, location="loc")
    for name, cache in [("a.txt", "max-age=60"), ("a.html", None)]:
        way(storage, name, ContentFile(b""))
        found = head(bucket, f"loc/{name}")
        assert (found.get("CacheControl"), found["ContentLanguage"]) == (cache, "de")


@EVERY_WAY
def test_every_key_goes_through_normalize_name(way: Way, bucket: Bucket) -> None:
    class Sharded(S3Storage):
        def _normalize_name(self, name: str) -> str:
            return "shard/" + super()._normalize_name(name)

    storage = on(bucket, Sharded, location="loc")
    way(storage, "a/b.txt", ContentFile(b"x" * 9 * 2**20))
    assert bucket.keys() == ["shard/loc/a/b.txt"]
    assert storage.exists("a/b.txt")
    assert storage.size("a/b.txt") == 9 * 2**20
    assert storage.get_modified_time("a/b.txt") is not None
    assert storage.listdir("a") == ([], ["b.txt"])
    assert storage.fs_path("a/b.txt") == f"{bucket.name}/shard/loc/a/b.txt"
    assert storage.open("a/b.txt").read(3) == b"xxx"
    storage.delete("a/b.txt")
    assert bucket.keys() == []


# On the wire


def use_all(storage: S3Storage, proxy: Proxy) -> list[Request]:
    """Do everything that a storage does; return the requests."""
    with proxy.counting() as seen:
        storage.save("a.txt", ContentFile(b"content"))
        storage.save("b.txt", ContentFile(b"x" * 9 * 2**20))
        with storage.open("c.txt", "w") as file:
            file.write("text")
        assert storage.open("b.txt").read(10) == b"x" * 10
        assert storage.exists("a.txt")
        assert storage.size("a.txt") == 7
        assert storage.get_modified_time("a.txt") is not None
        assert storage.listdir("")[1] == ["a.txt", "b.txt", "c.txt"]
        storage.delete("a.txt")
    return seen


def operation(request: Request) -> str:
    many = {"uploadId", "uploads", "list-type"} & request.query.keys()
    return f"{request.method} {'/'.join(sorted(many))}".strip()


ALL = {"PUT", "POST uploads", "PUT uploadId", "POST uploadId", "GET", "HEAD", "GET list-type", "DELETE"}


class OfOne(S3Storage):
    """Has its parameters by a hook."""

    parameters: dict[str, Any]

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        return self.parameters


BY = pytest.mark.parametrize("by_hook", [False, True], ids=["option", "hook"])


def with_parameters(bucket: Bucket, proxy: Proxy, parameters: dict[str, Any], *, by_hook: bool) -> S3Storage:
    if not by_hook:
        made: S3Storage = on(bucket, endpoint_url=proxy.endpoint, object_parameters=parameters)
        return made
    made = on(bucket, OfOne, endpoint_url=proxy.endpoint)
    made.parameters = parameters
    return made


@BY
def test_a_requester_pays_for_every_request(by_hook: bool, bucket: Bucket, proxy: Proxy) -> None:
    storage = with_parameters(bucket, proxy, {"RequestPayer": "requester"}, by_hook=by_hook)
    seen = use_all(storage, proxy)
    assert {operation(request) for request in seen} == ALL
    unpaid = {operation(request) for request in seen if "x-amz-request-payer" not in request.headers}
    assert unpaid == (
        {"GET list-type"} if by_hook else set()
    )  # a folder is no object that a hook is asked of


@BY
def test_a_customers_key_goes_with_what_takes_it(by_hook: bool, bucket: Bucket, proxy: Proxy) -> None:
    parameters = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32, "CacheControl": "max-age=60"}
    storage = with_parameters(bucket, proxy, parameters, by_hook=by_hook)
    seen = use_all(storage, proxy)
    name = "x-amz-server-side-encryption-customer"
    withs = {operation(request) for request in seen if f"{name}-key" in request.headers}
    # CompleteMultipartUpload takes it too, for checksums; what lists and deletes does not.
    assert withs == ALL - {"GET list-type", "DELETE"}
    assert all(f"{name}-key-md5" in request.headers for request in seen if f"{name}-key" in request.headers)
    told = {operation(request) for request in seen if "cache-control" in request.headers}
    assert {one for one in told if one.startswith("P")} == {"PUT", "POST uploads"}
    assert storage.open("c.txt", "r").read() == "text"


@BY
def test_an_encryption_with_a_key_of_kms(by_hook: bool, bucket: Bucket, proxy: Proxy) -> None:
    parameters = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/media", "BucketKeyEnabled": True}
    seen = use_all(with_parameters(bucket, proxy, parameters, by_hook=by_hook), proxy)
    begun = [request for request in seen if operation(request) in ("PUT", "POST uploads")]
    assert len(begun) == 3
    for request in begun:
        said = {n: v for n, v in request.headers.items() if n.startswith("x-amz-server-side-encryption")}
        assert sorted(value.lower() for value in said.values()) == ["alias/media", "aws:kms", "true"]
    assert all("x-amz-server-side-encryption" not in r.headers for r in seen if r not in begun)


def test_tags_go_with_parts_too(bucket: Bucket, proxy: Proxy) -> None:
    seen = use_all(with_parameters(bucket, proxy, {"Tagging": "a=b"}, by_hook=False), proxy)
    assert {operation(r) for r in seen if r.headers.get("x-amz-tagging") == "a=b"} == {"PUT", "POST uploads"}


def test_a_hook_is_asked_with_the_whole_key(bucket: Bucket) -> None:
    class Noting(S3Storage):
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            asked.append(name)
            return {}

    asked: list[str] = []
    storage = on(bucket, Noting, location="loc")
    for use in (
        lambda: storage.save("a.txt", ContentFile(b"x")),
        lambda: storage.open("a.txt").read(),
        lambda: storage.exists("a.txt"),
        lambda: storage.size("a.txt"),
        lambda: storage.url("a.txt"),
        lambda: storage.upload_ticket("a.txt"),
        lambda: storage.delete("a.txt"),
    ):
        asked.clear()
        use()
        assert set(asked) == {"loc/a.txt"}


@pytest.mark.parametrize("location", ["", "loc"])
def test_a_hook_is_never_asked_of_a_folder(bucket: Bucket, location: str) -> None:
    class OfFiles(S3Storage):
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            return {"ContentDisposition": f"attachment; filename=file.{name.rsplit('.', 1)[1]}"}

    storage = on(bucket, OfFiles, location=location, querystring_auth=False)
    storage.save("d/a.txt", ContentFile(b"x"))
    assert storage.listdir("") == (["d"], [])
    assert storage.listdir("d") == ([], ["a.txt"])
    assert asyncio.run(storage.alistdir("d")) == ([], ["a.txt"])
    assert storage.exists("")
    assert storage.fs_path("d").endswith("d")
    assert storage.url("").endswith(f"/{bucket.name}/{location and location + '/'}")
    assert storage.url("d/").endswith("/d/")
    assert storage.open("d/a.txt").read() == b"x"
    storage.delete("d/a.txt")


def test_parameters_that_are_computed_go_with_a_listing_too(bucket: Bucket, proxy: Proxy) -> None:
    class Paying(S3Storage):
        @property
        def object_parameters(self) -> dict[str, Any]:  # type: ignore[override]
            return {"RequestPayer": "requester"}

    storage = on(bucket, Paying, endpoint_url=proxy.endpoint)
    with proxy.counting() as seen:
        storage.listdir("")
    assert [r.headers.get("x-amz-request-payer") for r in seen] == ["requester"]


def test_constructor_options_count_beside_a_hook(bucket: Bucket, proxy: Proxy) -> None:
    extra = {"s3_additional_kwargs": {"ExpectedBucketOwner": "000000000000", "CacheControl": "max-age=1"}}
    storage = on(bucket, OfOne, endpoint_url=proxy.endpoint, storage_options=extra)
    storage.parameters = {"CacheControl": "max-age=2"}
    seen = use_all(storage, proxy)
    assert {request.headers.get("x-amz-expected-bucket-owner") for request in seen} == {"000000000000"}
    assert head(bucket, "c.txt")["CacheControl"] == "max-age=2"


def test_a_hook_never_runs_on_an_event_loop(bucket: Bucket) -> None:
    """It may ask a database, which would stop every other request of the process meanwhile."""

    def blocking(name: str) -> Any:
        method = getattr(S3Storage, name)

        def hook(self: S3Storage, *arguments: Any) -> Any:
            with pytest.raises(RuntimeError):
                asyncio.get_running_loop()
            called.append(name)
            return method(self, *arguments)

        return type("Project", (S3Storage,), {name: hook})

    called: list[str] = []
    for name in ("get_object_parameters", "_get_write_parameters", "_normalize_name"):
        storage = on(bucket, blocking(name))

        async def use(storage: S3Storage = storage) -> None:
            await storage.asave("a.txt", ContentFile(b"content"))
            assert await storage.aexists("a.txt")
            assert await storage.aurl("a.txt")
            await storage.adelete("a.txt")

        called.clear()
        asyncio.run(use())
        assert set(called) == {name}
