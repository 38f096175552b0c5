"""What an upload ticket is for: a name that is final, and the parameters that a save would send."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from django_fsspec_storages.filesystems import registry
from tests.backends.s3_storages import KEYS, on
from tests.backends.test_s3_tickets import EVERY_METHOD, SEND, post, put
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket

Buckets = Callable[..., Bucket]


# Names


@EVERY_METHOD
def test_a_hundred_tickets_for_one_name(method: Any, bucket: Bucket) -> None:
    storage = on(bucket, file_overwrite=False)
    tickets = [storage.upload_ticket("a/b.tar.gz", method=method) for _ in range(100)]
    if method == "POST":
        assert len({ticket.name for ticket in tickets}) == 100
        assert all(ticket.name.startswith("a/b.tar_") and ticket.name.endswith(".gz") for ticket in tickets)
    for ticket in tickets[:5]:
        SEND[method](ticket, ticket.name.encode() + ticket.url.encode())
    assert len(bucket.keys()) == (5 if method == "POST" else 1), "the first has it, the others are refused"


@EVERY_METHOD
def test_a_ticket_for_who_is_in_an_event_loop(method: Any, bucket: Bucket) -> None:
    storage = on(bucket, file_overwrite=False)
    storage.save("a.txt", ContentFile(b"there"))
    ticket = asyncio.run(storage.aupload_ticket("a.txt", method=method, expire=60))
    assert ticket.name not in ("a.txt", "")
    assert SEND[method](ticket, b"content").status in (200, 204)
    assert bucket.get(ticket.name) == b"content"


def test_a_name_that_was_taken_meanwhile(bucket: Bucket) -> None:
    storage = on(bucket, file_overwrite=False)
    first, second = (storage.upload_ticket("a.txt", method="PUT") for _ in range(2))
    assert first.name == second.name == "a.txt"
    assert first.headers["If-None-Match"] == "*"
    assert put(first, b"first").status == 200
    assert put(second, b"second").status == 412
    assert bucket.get("a.txt") == b"first"
    third = storage.upload_ticket("a.txt", method="PUT")
    assert third.name not in ("a.txt", "")
    assert put(third, b"third").status == 200


def test_a_server_that_knows_no_conditions(bucket: Bucket) -> None:
    storage = on(bucket, file_overwrite=False, exclusive_create=False)
    first, second = (storage.upload_ticket("a.txt", method="PUT") for _ in range(2))
    assert first.name != second.name
    assert "If-None-Match" not in first.headers
    assert put(first).status == put(second).status == 200


def test_a_server_that_turned_out_to_know_no_conditions(bucket: Bucket) -> None:
    storage = on(bucket, file_overwrite=False, max_concurrency=3)  # a filesystem of its own
    assert storage.upload_ticket("a.txt", method="PUT").headers["If-None-Match"] == "*"
    storage.fs.client.no_conditions = True
    first, second = (storage.upload_ticket("a.txt", method="PUT") for _ in range(2))
    assert first.name != second.name
    assert "If-None-Match" not in first.headers
    assert put(first).status == put(second).status == 200


class Insisting(S3Storage):
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name


class DeletingFirst(S3Storage):
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        if self.exists(name):
            self.delete(name)
        return name


class Shouting(S3Storage):
    """Has a say in names, and none in which are free."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return super().get_available_name(name.upper(), max_length)


class Counting(S3Storage):
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        free = (f"{number}-{name}" for number in range(1, 99))
        return name if not self.exists(name) else next(n for n in free if not self.exists(n))


class Numbering(S3Storage):
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return f"{uuid4()}.txt"


@EVERY_METHOD
@pytest.mark.parametrize("cls", [Insisting, DeletingFirst])
def test_a_project_that_insists_overwrites_as_by_save(method: Any, cls: Any, bucket: Bucket) -> None:
    storage = on(bucket, cls, file_overwrite=False)
    for content in (b"first", b"second"):
        ticket = storage.upload_ticket("a.txt", method=method)
        assert (ticket.name, ticket.headers.get("If-None-Match")) == ("a.txt", None)
        assert SEND[method](ticket, content).status in (200, 204)
        assert bucket.get("a.txt") == content
    storage.save("a.txt", ContentFile(b"saved"))
    assert bucket.get("a.txt") == b"saved"


@EVERY_METHOD
@pytest.mark.parametrize("cls", [Shouting, Counting, Numbering])
def test_a_project_that_has_names_of_its_own_loses_no_upload(method: Any, cls: Any, bucket: Bucket) -> None:
    storage = on(bucket, cls, file_overwrite=False)
    bucket.put("a.txt", b"there")
    bucket.put("A.TXT", b"there")
    tickets = [storage.upload_ticket("a.txt", method=method) for _ in range(2)]
    for ticket in tickets:
        assert ticket.name not in ("a.txt", "A.TXT")
        assert {Shouting: "A_", Counting: "-a.txt", Numbering: "-"}[cls] in ticket.name
        assert ticket.headers.get("If-None-Match") == ("*" if method == "PUT" else None)
    assert SEND[method](tickets[0], b"first").status in (200, 204)
    assert SEND[method](tickets[1], b"second").status in (200, 204, 412)
    if cls is not Counting or method == "PUT":  # its numbers are free as long as nobody has used them
        assert bucket.get(tickets[0].name) == b"first"
    assert bucket.get("a.txt") == bucket.get("A.TXT") == b"there"


@EVERY_METHOD
def test_a_project_that_leads_out_of_the_location_is_refused(method: Any, bucket: Bucket) -> None:
    class Leaving(S3Storage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return f"../{name}"

    with pytest.raises(SuspiciousFileOperation):
        on(bucket, Leaving, location="loc", file_overwrite=False).upload_ticket("a.txt", method=method)


@EVERY_METHOD
def test_overwriting(method: Any, bucket: Bucket) -> None:
    bucket.put("a.txt", b"old")
    ticket = on(bucket).upload_ticket("a.txt", method=method)
    assert ticket.name == "a.txt"
    assert SEND[method](ticket, b"new").status in (200, 204)
    assert bucket.get("a.txt") == b"new"


@EVERY_METHOD
@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "C:\\a", "a\x00b", "", ".", "x" * 1025])
def test_a_hostile_name(name: str, method: Any, bucket: Bucket, proxied: Callable[..., Proxy]) -> None:
    proxy = proxied()
    for overwrite in (True, False):
        storage = on(bucket, location="loc", file_overwrite=overwrite, endpoint_url=proxy.endpoint)
        with pytest.raises(SuspiciousFileOperation):
            storage.upload_ticket(name, method=method)
    assert proxy.requests == []


def test_a_name_that_s3_would_replace(bucket: Bucket) -> None:
    storage = on(bucket)
    for name in ("${filename}", "a/${filename}", "a/${filename}.txt"):
        with pytest.raises(ValueError, match="name of the user's file: use method='PUT'"):
            storage.upload_ticket(name)
        assert put(storage.upload_ticket(name, method="PUT")).status == 200
        assert bucket.get(name) == b"content"
    with pytest.raises(ValueError, match="through an access point"):
        S3Storage(**KEYS, bucket_name="arn:aws:s3:us-west-2:123456789012:accesspoint:ap").upload_ticket("a")


@EVERY_METHOD
def test_a_name_as_long_as_a_key_can_be(method: Any, bucket: Bucket) -> None:
    bucket.put(f"loc/{'ü' * 508}.txt", b"taken")
    storage = on(bucket, location="loc", file_overwrite=False)
    ticket = storage.upload_ticket("ü" * 508 + ".txt", method=method)
    assert ticket.name.endswith(".txt")
    assert SEND[method](ticket).status in (200, 204)
    assert storage.open(ticket.name).read() == b"content"
    assert bucket.get(f"loc/{'ü' * 508}.txt") == b"taken"
    over = on(bucket, location="loc").upload_ticket("ü" * 508 + ".txt", method=method)
    assert over.name == "ü" * 508 + ".txt"


@EVERY_METHOD
def test_what_cannot_be_signed_asks_no_server(
    method: Any, bucket: Bucket, proxied: Callable[..., Proxy]
) -> None:
    proxy = proxied()
    storage = on(bucket, file_overwrite=False, endpoint_url=proxy.endpoint)
    with pytest.raises(ValueError, match="604801"):
        storage.upload_ticket("a", method=method, expire=604801)
    storage.anonymous = True
    with pytest.raises(ValueError, match="nothing to sign with"):
        storage.upload_ticket("a", method=method)
    assert proxy.requests == []


# Parameters


@EVERY_METHOD
def test_all_that_a_save_would_send(method: Any, s3_bucket: Buckets) -> None:
    bucket = s3_bucket(acls=True)
    parameters = {
        "CacheControl": "max-age=60",
        "ContentDisposition": "attachment",
        "Tagging": "a=b%20c&d=%3C%26%3E",
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "AES256",
        "Expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
        "Metadata": {"of": "everything"},
    }
    storage = on(bucket, default_acl="public-read", object_parameters=parameters)
    ticket = storage.upload_ticket("a.txt", method=method, metadata={"owner": "seven"})
    assert SEND[method](ticket).status in (200, 204)
    found: dict[str, Any] = bucket.head("a.txt") or {}
    for name in ("CacheControl", "ContentDisposition"):
        assert found[name] == parameters[name]
    admin, where = bucket.server.admin, {"Bucket": bucket.name, "Key": "a.txt"}
    assert found["Metadata"] == {"of": "everything", "owner": "seven"}
    if (
        method == "POST"
    ):  # the server keeps no more of a form; the rest is seen in the policy, which S3 keeps to
        told = ticket.fields
        assert told["acl"] == "public-read"
        assert (
            told["tagging"]
            == "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag><Tag><Key>d</Key><Value>&lt;&amp;&gt;</Value></Tag></TagSet></Tagging>"
        )
        assert told["x-amz-storage-class"] == "STANDARD_IA"
        assert told["x-amz-server-side-encryption"] == "AES256"
        assert told["Expires"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        return
    assert found["StorageClass"] == "STANDARD_IA"
    assert found["ServerSideEncryption"] == "AES256"
    assert admin.get_object_tagging(**where)["TagSet"] == [
        {"Key": "a", "Value": "b c"},
        {"Key": "d", "Value": "<&>"},
    ]
    assert any("AllUsers" in str(grant) for grant in admin.get_object_acl(**where)["Grants"])


@EVERY_METHOD
def test_the_headers_of_django_storages_1_7(method: Any, bucket: Bucket) -> None:
    headers = {"Expires": "Thu, 15 Apr 2010 20:00:00 GMT", "Cache-Control": "max-age=86400"}
    with override_settings(AWS_HEADERS=headers), pytest.warns(DeprecationWarning, match="AWS_HEADERS"):
        ticket = on(bucket).upload_ticket("a.txt", method=method)
    assert (ticket.fields or ticket.headers)["Expires"] == "Thu, 15 Apr 2010 20:00:00 GMT"
    assert SEND[method](ticket).status in (200, 204)
    assert (bucket.head("a.txt") or {})["CacheControl"] == "max-age=86400"


@EVERY_METHOD
def test_what_is_for_reading_is_not_sent(method: Any, bucket: Bucket) -> None:
    parameters = {"VersionId": "7", "ChecksumMode": "ENABLED", "ChecksumAlgorithm": "SHA256"}
    ticket = on(bucket, object_parameters=parameters).upload_ticket("a", method=method)
    assert not {name for name in {*ticket.fields, *ticket.headers} if "checksum" in name.lower()}
    assert SEND[method](ticket).status in (200, 204)


@EVERY_METHOD
def test_gzip_is_never_promised(method: Any, bucket: Bucket) -> None:
    storage = on(bucket, gzip=True)
    ticket = storage.upload_ticket("a.css", method=method)
    assert SEND[method](ticket, b"body {}").status in (200, 204)
    assert "ContentEncoding" not in (bucket.head("a.css") or {})
    assert storage.open("a.css").read() == b"body {}"
    packed = storage.upload_ticket("a.css.gz", method=method)
    assert (packed.fields or packed.headers)["Content-Encoding"] == "gzip"


@EVERY_METHOD
def test_a_projects_hooks(method: Any, bucket: Bucket) -> None:
    class Project(S3Storage):
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            return {"CacheControl": name}

        def _get_write_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
            return {**super()._get_write_parameters(name, content), "ContentLanguage": "de"}

        def _normalize_name(self, name: str) -> str:
            return "shard/" + super()._normalize_name(name)

    storage = on(bucket, Project, location="loc")
    if method == "POST":
        with pytest.raises(ValueError, match="ContentLanguage in a form: use method='PUT'"):
            storage.upload_ticket("a.txt")
        return
    ticket = storage.upload_ticket("a.txt", method=method)
    assert put(ticket).status == 200
    found = bucket.head("shard/loc/a.txt") or {}
    assert (found["CacheControl"], found["ContentLanguage"]) == ("shard/loc/a.txt", "de")


@EVERY_METHOD
def test_what_cannot_be_kept_is_refused(method: Any, bucket: Bucket) -> None:
    storage = on(bucket)
    for metadata in ({"ä": "b"}, {"a b": "c"}, {"a": "ü"}, {"A": "b", "a": "c"}):
        with pytest.raises(ValueError, match="these parameters: Metadata. Metadata is ASCII"):
            storage.upload_ticket("a", method=method, metadata=metadata)
    for sizes in ((-1, None), (5, 4), (0, -1)):
        with pytest.raises(ValueError, match="bytes long"):
            storage.upload_ticket("a", method=method, min_size=sizes[0], max_size=sizes[1])
    with pytest.raises(ValueError, match="anonymous"):
        on(bucket, anonymous=True).upload_ticket("a", method=method)
    with pytest.raises(ValueError, match="a POST or a PUT, not 'GET'"):
        storage.upload_ticket("a", method="GET")
    locked = on(bucket, object_parameters={"ObjectLockMode": "COMPLIANCE"})
    if method == "POST":
        with pytest.raises(ValueError, match="S3 takes no ObjectLockMode in a form"):
            locked.upload_ticket("a")


@EVERY_METHOD
def test_where_the_environment_says_where_it_is(
    method: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.server.endpoint)
    monkeypatch.setattr(registry, "_cache", OrderedDict())  # no client of another test's environment
    storage = on(bucket, endpoint_url=None, addressing_style="path")
    assert not storage.signs_offline
    ticket = storage.upload_ticket("a.txt", method=method)
    assert ticket.url.startswith(bucket.server.endpoint)
    assert SEND[method](ticket).status in (200, 204)


@EVERY_METHOD
def test_the_sdk_signs_no_ticket_with_an_old_signature(method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = S3Storage(**KEYS, bucket_name="media", signature_version="s3")
    assert "AWS4-HMAC-SHA256" in str(asdict(known.upload_ticket("a.txt", method=method))), "ours need no SDK"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example")
    monkeypatch.setattr(registry, "_cache", OrderedDict())
    storage = S3Storage(**KEYS, bucket_name="media", signature_version="s3")
    with pytest.raises(
        ValueError, match="tickets are signed with SigV4.*'s3'.*set endpoint_url and region_name"
    ):
        storage.upload_ticket("a.txt", method=method, min_size=3, max_size=3)
    storage.signature_version = "s3v4"
    assert "AWS4-HMAC-SHA256" in str(asdict(storage.upload_ticket("a.txt", method=method)))


def test_a_form_and_an_address_for_every_style(bucket: Bucket) -> None:
    ticket = on(bucket).upload_ticket("a.txt")
    assert ticket.url == f"{bucket.server.endpoint}/{bucket.name}"
    assert post(ticket).status == 204
    assert S3Storage(**KEYS, bucket_name="media").upload_ticket("a").url == "https://media.s3.amazonaws.com/"
