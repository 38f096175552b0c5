"""What an object is written with: its type, its encoding, who may read it, and a project's parameters."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import on
from tests.backends.s3_ways import EVERY_WAY, Way, head
from tests.servers.moto import Moto
from tests.servers.s3 import Bucket

Buckets = Callable[..., Bucket]
CSS = b"body { color: red }\n" * 50


# Type and encoding

GUESSES = [
    ("a.txt", "text/plain", None),
    ("a.css", "text/css", None),
    ("photo.JPG", "image/jpeg", None),
    ("nothing", "application/octet-stream", None),
    ("a.gz", "application/octet-stream", "gzip"),
    ("a.css.gz", "text/css", "gzip"),
    ("a.tar.bz2", "application/x-tar", "bzip2"),
    ("a.html.br", "text/html", "br"),
    ("a.xz", "application/octet-stream", "xz"),
]


@EVERY_WAY
@pytest.mark.parametrize(("name", "kind", "encoding"), GUESSES)
def test_what_the_name_says(name: str, kind: str, encoding: str | None, way: Way, bucket: Bucket) -> None:
    way(on(bucket), name, ContentFile(b"content"))
    found = head(bucket, name)
    assert (found["ContentType"], found.get("ContentEncoding")) == (kind, encoding)
    assert bucket.get(name) == b"content", "what is packed is not packed again"


def test_what_the_content_says(bucket: Bucket) -> None:
    storage = on(bucket)
    storage.save("a.txt", SimpleUploadedFile("x", b"content", "image/png"))
    storage.save("b.css.gz", SimpleUploadedFile("x", b"content", "image/png"))
    said_nothing = SimpleUploadedFile("x", b"content", None)  # type: ignore[arg-type]
    storage.save("c.txt", said_nothing)
    assert head(bucket, "a.txt")["ContentType"] == "image/png"
    assert (head(bucket, "b.css.gz")["ContentType"], head(bucket, "b.css.gz")["ContentEncoding"]) == (
        "image/png",
        "gzip",
    )
    assert head(bucket, "c.txt")["ContentType"] == "text/plain"


def test_what_the_class_says_of_the_unknown(bucket: Bucket) -> None:
    class Plain(S3Storage):
        default_content_type = "text/plain"

    on(bucket, Plain).save("nothing", ContentFile(b"content"))
    assert head(bucket, "nothing")["ContentType"] == "text/plain"


@EVERY_WAY
def test_a_type_among_the_parameters_is_final(way: Way, bucket: Bucket) -> None:
    way(on(bucket, object_parameters={"ContentType": "application/gzip"}), "a.gz", ContentFile(b"content"))
    found = head(bucket, "a.gz")
    assert found["ContentType"] == "application/gzip"
    assert "ContentEncoding" not in found
    on(bucket, object_parameters={"ContentType": "text/x"}).save(
        "b", SimpleUploadedFile("x", b"", "image/png")
    )
    assert head(bucket, "b")["ContentType"] == "text/x"


def test_an_encoding_among_the_parameters_is_final(bucket: Bucket) -> None:
    storage = on(bucket, gzip=True, object_parameters={"ContentEncoding": "identity"})
    for name in ("a.css", "a.css.gz"):
        storage.save(name, ContentFile(CSS))
        assert head(bucket, name)["ContentEncoding"] == "identity"
        assert bucket.get(name) == CSS


# Gzip


@EVERY_WAY
def test_gzip_for_the_types_in_the_list(way: Way, bucket: Bucket) -> None:
    storage = on(bucket, gzip=True)
    for name, packed in [("a.css", True), ("a.svg", True), ("a.txt", False), ("a.css.gz", False)]:
        way(storage, name, ContentFile(CSS))
        found = head(bucket, name)
        assert (bucket.get(name) != CSS) == packed
        assert found.get("ContentEncoding") == ("gzip" if name != "a.txt" else None)
        if packed:
            assert gzip.decompress(bucket.get(name)) == CSS
            assert storage.open(name, "rb").read() == CSS
            assert storage.open(name, "r").read() == CSS.decode()
            assert storage.size(name) == len(bucket.get(name))


def test_gzip_decides_by_the_type_that_is_stored(bucket: Bucket) -> None:
    storage = on(bucket, gzip=True, gzip_content_types=["text/x"])
    storage.save("a.css", ContentFile(CSS))
    storage.save("b", SimpleUploadedFile("x", CSS, "text/x"))
    assert bucket.get("a.css") == CSS
    assert gzip.decompress(bucket.get("b")) == CSS
    with override_settings(AWS_IS_GZIPPED=True, GZIP_CONTENT_TYPES=("text/plain",)):
        on(bucket).save("c.txt", ContentFile(CSS))
    assert gzip.decompress(bucket.get("c.txt")) == CSS
    twice = ContentFile(CSS)
    for name in ("d", "e"):
        on(bucket, gzip=True, object_parameters={"ContentType": "text/css"}).save(name, twice)
    assert bucket.get("d") == bucket.get("e"), "packing says no time"


def test_what_says_gzip_where_the_storage_does_not(bucket: Bucket) -> None:
    bucket.put("a.css", gzip.compress(CSS), ContentEncoding="gzip")
    assert gzip.decompress(on(bucket).open("a.css").read()) == CSS, "as it is stored"
    assert on(bucket, gzip=True).open("a.css").read() == CSS


# ACLs, which moto keeps


def who(bucket: Bucket, key: str) -> str:
    grants = bucket.server.admin.get_object_acl(Bucket=bucket.name, Key=key)["Grants"]
    everybody = [grant["Permission"] for grant in grants if "AllUsers" in grant["Grantee"].get("URI", "")]
    return "public" if everybody == ["READ"] else "private" if not everybody else str(everybody)


@EVERY_WAY
def test_acls(way: Way, moto: Moto, s3_bucket: Buckets) -> None:
    bucket = s3_bucket(server=moto, acls=True)
    way(on(bucket), "a", ContentFile(b""))
    way(on(bucket, default_acl="public-read"), "b", ContentFile(b""))
    way(on(bucket, default_acl="public-read", object_parameters={"ACL": "private"}), "c", ContentFile(b""))
    way(on(bucket, object_parameters={"ACL": "public-read"}), "d", ContentFile(b""))
    with override_settings(AWS_DEFAULT_ACL="public-read"):
        way(on(bucket, default_acl=None), "e", ContentFile(b""))
        way(on(bucket), "f", ContentFile(b"x" * 6 * 2**20))
    assert [who(bucket, key) for key in "abcdef"] == [
        "private",
        "public",
        "private",
        "public",
        "private",
        "public",
    ]
