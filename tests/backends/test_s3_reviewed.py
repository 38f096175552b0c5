"""What a reader with fresh eyes found in storages on S3: each is shown to be mended."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import KEYS, on
from tests.servers.s3 import Bucket

Buckets = Callable[..., Bucket]


@pytest.mark.parametrize("name", ["backup.tar.gz", "logo.svgz", "page.css.gz"])
def test_what_is_saved_compressed_is_read_as_it_was_saved(name: str, s3_bucket: Buckets) -> None:
    bucket = s3_bucket()
    content = gzip.compress(b"body {}")
    storage = on(bucket, gzip=True, object_parameters={"CacheControl": "max-age=60"})
    storage.save(name, ContentFile(content))
    assert bucket.get(name) == content
    assert storage.open(name).read() == content
    assert b"".join(storage.open_stream(name)) == content


def test_nor_is_it_compressed_again_where_its_type_is_given(s3_bucket: Buckets) -> None:
    bucket = s3_bucket()
    storage = on(bucket, gzip=True, object_parameters={"ContentType": "text/css"})
    storage.save("page.css.gz", ContentFile(b"not even compressed"))
    assert storage.open("page.css.gz").read() == b"not even compressed"
    storage.save("page.css", ContentFile(b"body {}"))
    assert gzip.decompress(bucket.get("page.css")) == b"body {}"
    assert storage.open("page.css").read() == b"body {}"


def test_parameters_that_change_all_the_time_make_no_client_each(s3_bucket: Buckets) -> None:
    ages = itertools.count(60)

    class Aging(S3Storage):
        @property
        def object_parameters(self) -> dict[str, Any]:  # type: ignore[override]
            return {"CacheControl": f"max-age={next(ages)}"}

    bucket = s3_bucket()
    storage = on(bucket, Aging)
    storage.save("a.txt", ContentFile(b"1"))
    filesystem = storage.fs
    storage.save("b.txt", ContentFile(b"1"))
    assert storage.fs is filesystem
    found = [(bucket.head(key) or {})["CacheControl"] for key in ("a.txt", "b.txt")]
    assert found[0] != found[1]
    assert all(age.startswith("max-age=") for age in found)


@pytest.mark.parametrize("name", ["photos/", "photos//", "photos/.", "", "."])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_no_ticket_is_for_a_folder(name: str, method: Any, overwrite: bool) -> None:
    storage = S3Storage(bucket_name="media", region_name="eu-central-1", file_overwrite=overwrite, **KEYS)
    with pytest.raises(SuspiciousFileOperation):
        storage.upload_ticket(name, method=method)


def test_a_class_path_that_a_switch_has_left_is_said() -> None:
    with override_settings(STORAGES={"media": {"BACKEND": "storages.backends.s3.S3Storage"}}):
        (found,) = [message for message in run_checks() if message.id == "fsspec_storages.E001"]
    assert "storages.backends.s3.S3Storage" in found.msg
