"""Upload tickets, used by a plain HTTP client on a server that checks policies: what fits is taken, all else refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import JsonResponse
from django.utils import timezone

from django_fsspec_storages.backends import _s3_tickets
from django_fsspec_storages.backends.s3 import S3Storage
from django_fsspec_storages.signing.tickets import UploadTicket
from tests.backends.s3_storages import Reply, fetch, form, on
from tests.servers.s3 import Bucket


def post(
    ticket: UploadTicket, content: bytes = b"content", changes: Mapping[str, str | None] | None = None
) -> Reply:
    """Send a form; ``changes`` to its fields, None for one that is left out."""
    fields = {
        name: value for name, value in {**ticket.fields, **(changes or {})}.items() if value is not None
    }
    body, content_type = form(fields, content)
    return fetch(ticket.url, ticket.method, body, {"Content-Type": content_type})


def put(
    ticket: UploadTicket, content: bytes = b"content", changes: Mapping[str, str | None] | None = None
) -> Reply:
    """Send a file; ``changes`` to its headers."""
    headers = {
        name: value for name, value in {**ticket.headers, **(changes or {})}.items() if value is not None
    }
    return fetch(ticket.url, ticket.method, content, headers)


SEND = {"POST": post, "PUT": put}
EVERY_METHOD = pytest.mark.parametrize("method", ["POST", "PUT"])


@EVERY_METHOD
def test_as_it_was_made(method: Any, bucket: Bucket) -> None:
    storage = on(bucket, location="media/ü")
    ticket = storage.upload_ticket("a//b ü.txt", method=method, metadata={"owner": "seven", "X-Y_z.1": "a b"})
    assert ticket.name == "a/b ü.txt"
    assert (ticket.method, ticket.fields if method == "PUT" else ticket.headers) == (method, {})
    assert SEND[method](ticket).status in (200, 204)
    found = bucket.head("media/ü/a/b ü.txt")
    assert found is not None
    assert found["ContentType"] == "text/plain"
    assert found["Metadata"] == {"owner": "seven", "x-y_z.1": "a b"}
    assert storage.open(ticket.name).read() == b"content"


@EVERY_METHOD
def test_virtual_hosts(method: Any, bucket: Bucket, localhost_names: None) -> None:
    storage = on(bucket, endpoint_url=bucket.server.virtual_endpoint, addressing_style="virtual")
    ticket = storage.upload_ticket("a.txt", method=method)
    assert ticket.url.startswith(f"http://{bucket.name}.localhost")
    assert SEND[method](ticket).status in (200, 204)
    assert bucket.get("a.txt") == b"content"


@EVERY_METHOD
def test_it_is_json_and_shows_nothing(method: Any, bucket: Bucket) -> None:
    ticket = on(bucket).upload_ticket("a.txt", method=method, metadata={"a": "b"})
    sent = json.loads(JsonResponse(dataclasses.asdict(ticket)).content)
    again = UploadTicket(**sent | {"expires": datetime.fromisoformat(sent["expires"])})
    assert SEND[method](again).status in (200, 204)
    for shown in (repr(ticket), str(ticket)):
        assert "ignature" not in shown
        assert bucket.server.key not in shown


# A form is refused when anything differs


@pytest.mark.parametrize(
    ("sizes", "fits"), [((0, 4), (0, 4)), ((3, 5), (3, 5)), ((3, None), (3, 9)), ((0, 0), (0,))]
)
def test_the_size_of_a_form(sizes: tuple[int, int | None], fits: tuple[int, ...], bucket: Bucket) -> None:
    ticket = on(bucket).upload_ticket("a", min_size=sizes[0], max_size=sizes[1])
    for size in fits:
        assert post(ticket, b"x" * size).status == 204
    others = [sizes[0] - 1] * (sizes[0] > 0) + ([sizes[1] + 1] if sizes[1] is not None else [])
    for size in others:
        assert post(ticket, b"x" * size).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "other.txt"},
        {"key": "../a.txt"},
        {"Content-Type": "text/html"},
        {"Content-Type": None},
        {"x-amz-meta-owner": "eight"},
        {"x-amz-meta-more": "x"},
        {"acl": "public-read"},
        {"Cache-Control": "no-store"},
        {"success_action_redirect": "https://evil.example"},
        {"x-amz-signature": "0" * 64},
        {"x-amz-credential": "AKIDOTHER/20260101/us-east-1/s3/aws4_request"},
        {"policy": None},
    ],
    ids=str,
)
def test_a_field_of_a_form(changes: dict[str, str | None], bucket: Bucket) -> None:
    storage = on(bucket, object_parameters={"CacheControl": "max-age=60"})
    ticket = storage.upload_ticket("a.txt", metadata={"owner": "seven"})
    assert post(ticket, changes=changes).status in (400, 403)
    assert bucket.keys() == []
    assert post(ticket).status == 204


def test_any_image(bucket: Bucket) -> None:
    ticket = on(bucket).upload_ticket("photo", content_type="image/*")
    assert "Content-Type" not in ticket.fields
    for wrong in ("text/html", "imagine/png", None):
        assert post(ticket, changes={"Content-Type": wrong}).status == 403
    assert post(ticket, changes={"Content-Type": "image/png"}).status == 204
    found = bucket.head("photo")
    assert found is not None
    assert found["ContentType"] == "image/png"


# A file too


@pytest.mark.parametrize(
    "changes",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": None},
        {"x-amz-meta-owner": "eight"},
        {"Cache-Control": "no-store"},
        {"If-None-Match": None},
        {"x-amz-tagging": "a=c"},
    ],
    ids=str,
)
def test_a_header_of_a_file(changes: dict[str, str | None], bucket: Bucket) -> None:
    parameters = {"CacheControl": "max-age=60", "Tagging": "a=b"}
    storage = on(bucket, object_parameters=parameters, file_overwrite=False)
    ticket = storage.upload_ticket("a.txt", method="PUT", metadata={"owner": "seven"})
    assert put(ticket, changes=changes).status == 403
    assert fetch(ticket.url.replace("a.txt", "b.txt"), "PUT", b"x", ticket.headers).status == 403
    assert fetch(ticket.url, "GET", None, ticket.headers).status == 403
    assert bucket.keys() == []
    assert put(ticket).status == 200


def test_the_size_of_a_file_is_one_or_any(bucket: Bucket) -> None:
    ticket = on(bucket).upload_ticket("a", method="PUT", min_size=7, max_size=7)
    assert ticket.headers["Content-Length"] == "7"
    assert put(ticket).status == 200
    for size in (6, 8):
        assert fetch(ticket.url, "PUT", b"x" * size, {n: v for n, v in ticket.headers.items() if n != "Content-Length"}).status == 403  # fmt: skip
    assert put(on(bucket).upload_ticket("a", method="PUT"), b"x" * 20).status == 200
    for sizes in ({"min_size": 1}, {"max_size": 9}, {"min_size": 3, "max_size": 9}):
        with pytest.raises(ValueError, match="a range is for a POST"):
            on(bucket).upload_ticket("a", method="PUT", **sizes)
    with pytest.raises(ValueError, match="one content type"):
        on(bucket).upload_ticket("a", method="PUT", content_type="image/*")


# Its end


@EVERY_METHOD
def test_it_ends(method: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now() - timedelta(seconds=100)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return now

    storage: S3Storage = on(bucket, querystring_expire=600)
    monkeypatch.setattr(_s3_tickets, "datetime", Stopped)
    asked: list[tuple[Any, int]] = [(50, 50), (timedelta(seconds=50), 50), (None, 600), (90000, 90000)]
    for expire, seconds in asked:
        ticket = storage.upload_ticket("a", method=method, expire=expire)
        assert ticket.expires == now + timedelta(seconds=seconds)
        assert (SEND[method](ticket).status == 403) == (seconds == 50)
    with pytest.raises(ValueError, match="604801"):
        storage.upload_ticket("a", method=method, expire=604801)
    with pytest.raises(ValueError, match="a second at least"):
        storage.upload_ticket("a", method=method, expire=0)
    storage.querystring_expire = 10**7
    assert storage.upload_ticket("a", method=method).expires == now + timedelta(days=7)
