"""Production code on django-storages' S3 that sets options in other ways than its manual: per tenant, late, or to nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path, reverse_lazy

from django_fsspec_storages.backends.s3 import S3StaticStorage, S3Storage
from django_fsspec_storages.backends.s3boto3 import S3Boto3Storage
from tests.backends.s3_project import classic, content, fetched
from tests.servers.s3 import Bucket

urlpatterns = [path("files/", lambda request: HttpResponse(), name="files")]


@pytest.fixture(autouse=True)
def bucket(s3_bucket: Callable[..., Bucket]) -> Iterator[Bucket]:
    """The bucket of the project."""
    made = s3_bucket()
    with override_settings(**classic(made)):
        yield made


class Tenant:
    """The tenant of the request that is served, which a middleware would set."""

    name = "one"


# 6: properties


class TenantStorage(S3Boto3Storage):
    """Without a setter, and with one that does nothing."""

    @property
    def location(self) -> str:  # type: ignore[override]
        return f"tenants/{Tenant.name}"

    @property
    def custom_domain(self) -> str:
        return f"{Tenant.name}.example.com"

    @custom_domain.setter
    def custom_domain(self, value: str) -> None:
        pass


class BucketOfTenant(S3Boto3Storage):
    buckets: dict[str, str] = {}

    @property
    def bucket_name(self) -> str:
        return self.buckets[Tenant.name]

    @bucket_name.setter
    def bucket_name(self, value: str) -> None:
        pass


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Serve a request of another tenant."""
    return lambda name: monkeypatch.setattr(Tenant, "name", name)


def test_a_location_and_a_domain_per_tenant_are_asked_for_each_time(
    bucket: Bucket, tenant: Callable[[str], None]
) -> None:
    storage = TenantStorage()
    for name in ("one", "two"):
        tenant(name)
        storage.save("a.txt", ContentFile(name.encode()))
        assert content(storage, "a.txt") == name.encode()
        assert storage.url("a.txt") == f"https://{name}.example.com/tenants/{name}/a.txt"
        assert storage.listdir("") == ([], ["a.txt"])
    assert bucket.keys() == ["tenants/one/a.txt", "tenants/two/a.txt"]
    assert storage == TenantStorage()


def test_a_bucket_per_tenant_is_asked_for_each_time(
    bucket: Bucket, s3_bucket: Callable[..., Bucket], tenant: Callable[[str], None]
) -> None:
    BucketOfTenant.buckets = {"one": bucket.name, "two": s3_bucket("second").name}
    storage = BucketOfTenant(bucket_name="ignored")
    for name in ("one", "two", "one"):
        tenant(name)
        storage.save("a.txt", ContentFile(name.encode()))
        assert content(storage, "a.txt") == name.encode()
        assert fetched(storage.url("a.txt")) == (200, name.encode())
        assert storage.bucket.name == storage.bucket_name == BucketOfTenant.buckets[name]
    assert Bucket(bucket.server, BucketOfTenant.buckets["two"]).get("a.txt") == b"two"


# 7: attributes before and after construction


class SetBefore(S3Boto3Storage):
    def __init__(self, **settings: Any) -> None:
        self.location = "before"
        self.querystring_auth = False
        super().__init__(**settings)


def test_attributes_that_are_set_before_and_after_construction_count(bucket: Bucket) -> None:
    storage = SetBefore()
    storage.save("a.txt", ContentFile(b"x"))
    assert storage.url("a.txt") == f"{bucket.server.endpoint}/{bucket.name}/before/a.txt"
    storage.location, storage.file_overwrite = "after", False
    first, second = (storage.save("a.txt", ContentFile(b"x")) for _ in range(2))
    assert bucket.keys() == sorted(["before/a.txt", f"after/{first}", f"after/{second}"])
    assert first != second
    storage.custom_domain = "cdn.example.com/media"
    assert storage.url("a.txt") == "https://cdn.example.com/media/after/a.txt"
    storage.bucket_name = "another"
    assert storage.fs_path("a.txt") == "another/after/a.txt"


@override_settings(ROOT_URLCONF=__name__)
def test_a_base_url_may_be_a_view_that_is_resolved_late(bucket: Bucket) -> None:
    storage = S3Boto3Storage()
    assert urlsplit(storage.url("a.txt")).query
    storage.base_url = reverse_lazy("files")
    assert storage.url("a b.txt") == "/files/a%20b.txt"


# 8: what stands in the place of a class


class Located(ABC):
    @abstractmethod
    def folder(self) -> str: ...


class Invoices(S3Boto3Storage, Located):
    """No arguments, a mix-in of ``ABC``, and a ``url`` that takes less."""

    def __init__(self) -> None:
        super().__init__(location=self.folder(), default_acl=None, file_overwrite=False)

    def folder(self) -> str:
        return "invoices"

    def url(self, name: str) -> str:  # type: ignore[override]
        return super().url(name, {"ResponseContentType": "application/pdf"}, 60, "GET")


def make_invoices() -> S3Boto3Storage:
    return Invoices()


StaticRoot = lambda: S3Boto3Storage(location="static")  # noqa: E731 - as cookiecutter-django had it


@pytest.mark.parametrize(
    ("backend", "folder"), [("Invoices", "invoices"), ("make_invoices", "invoices"), ("StaticRoot", "static")]
)
def test_the_backend_may_be_a_class_without_arguments_a_function_or_a_lambda(
    bucket: Bucket, backend: str, folder: str
) -> None:
    with override_settings(STORAGES={"x": {"BACKEND": f"{__name__}.{backend}"}}):
        storage = storages["x"]
        storage.save("a.pdf", ContentFile(b"content"))
        assert bucket.keys() == [f"{folder}/a.pdf"]
        assert fetched(storage.url("a.pdf")) == (200, b"content")
    assert ("Expires=60&" in storage.url("a.pdf")) is (folder == "invoices")


class ManifestOnDisk(ManifestFilesMixin, S3StaticStorage):  # type: ignore[misc]
    """Django's mix-in before the storage."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(manifest_storage=FileSystemStorage(location=folder), **settings)


class ManifestOfTenant(ManifestFilesMixin, TenantStorage):  # type: ignore[misc]
    querystring_auth = False


@override_settings(DEBUG=False)
def test_a_manifest_is_on_local_disk_or_under_the_location_of_a_tenant(
    bucket: Bucket, tmp_path: Path, tenant: Callable[[str], None]
) -> None:
    on_disk, of_tenant = ManifestOnDisk(tmp_path, location="static"), ManifestOfTenant()
    for storage in (on_disk, of_tenant):
        storage.save("app.css", ContentFile(b"body {}"))
        ((_, hashed, _),) = storage.post_process({"app.css": (storage, "app.css")})
        assert urlsplit(storage.url("app.css")).path.endswith(f"/{hashed}")
    assert [file.name for file in tmp_path.iterdir()] == ["staticfiles.json"]
    assert set(bucket.keys()) == {"static/app.css", f"static/{hashed}"} | {
        f"tenants/one/{name}" for name in ("app.css", hashed, "staticfiles.json")
    }
    assert ManifestOfTenant().url("app.css") == f"https://one.example.com/tenants/one/{hashed}"


# 9 and 10: nothing, as a value


class OwnDomain(S3Boto3Storage):
    custom_domain = None


class NoDomain(S3Boto3Storage):
    custom_domain = False  # type: ignore[assignment]


@override_settings(AWS_S3_CUSTOM_DOMAIN="cdn.example.com/assets")
@pytest.mark.parametrize("make", [OwnDomain, NoDomain, lambda: S3Storage(custom_domain=None)])
def test_a_subclass_has_no_custom_domain_though_the_setting_names_one(
    bucket: Bucket, make: Callable[[], S3Storage]
) -> None:
    assert S3Storage().url("a.txt") == "https://cdn.example.com/assets/a.txt"
    storage = make()
    storage.save("a.txt", ContentFile(b"content"))
    assert fetched(storage.url("a.txt")) == (200, b"content")


@override_settings(AWS_LOCATION="https://cdn.example.com/media/")
def test_a_location_that_is_a_url_is_refused(bucket: Bucket) -> None:
    for use in (
        lambda s: s.save("a.txt", ContentFile(b"")),
        lambda s: s.url("a.txt"),
        lambda s: s.exists("a"),
    ):
        with pytest.raises(
            ImproperlyConfigured, match=r"'location', from the setting AWS_LOCATION: .* is a URL"
        ):
            use(S3Storage())
    assert bucket.keys() == []


#: What ``os.environ.get(name, "")`` makes of every setting that is not set.
EMPTY = (
    *("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_S3_SESSION_PROFILE", "AWS_S3_ACCESS_KEY_ID"),
    *("AWS_S3_SECRET_ACCESS_KEY", "AWS_S3_CUSTOM_DOMAIN", "AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID"),
    *("AWS_S3_ADDRESSING_STYLE", "AWS_S3_SIGNATURE_VERSION", "AWS_S3_PROXIES", "AWS_S3_VERIFY"),
    *("AWS_DEFAULT_ACL", "AWS_LOCATION", "AWS_S3_OBJECT_PARAMETERS", "AWS_S3_URL_PROTOCOL"),
    *("AWS_S3_FILE_OVERWRITE", "AWS_QUERYSTRING_AUTH", "AWS_QUERYSTRING_EXPIRE", "AWS_IS_GZIPPED"),
    *("AWS_S3_TRANSFER_CONFIG", "AWS_S3_CLIENT_CONFIG", "AWS_S3_USE_SSL", "GZIP_CONTENT_TYPES"),
)


def test_empty_strings_of_the_environment_are_not_set(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*EMPTY, "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.setenv(name, "")
    with override_settings(**dict.fromkeys(EMPTY, "")):
        storage = S3Storage()
        storage.save("a.css", ContentFile(b"content"))
        assert bucket.keys() == ["a.css"]
        assert fetched(storage.url("a.css")) == (200, b"content")
        assert (storage.connection.meta.client.head_object(Bucket=bucket.name, Key="a.css"))[
            "ContentLength"
        ] == 7
    with override_settings(AWS_S3_ENDPOINT_URL="", AWS_S3_REGION_NAME=""):
        assert S3Storage().url("a.css").startswith(f"https://{bucket.name}.s3.amazonaws.com/a.css?")
