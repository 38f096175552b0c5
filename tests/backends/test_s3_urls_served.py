"""Signed URLs, used as a browser uses them, on a server that verifies signatures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from django_fsspec_storages.backends import _s3_urls
from django_fsspec_storages.backends.s3 import S3StaticStorage, S3Storage
from tests.backends.s3_storages import bare, fetch, on, query
from tests.servers.s3 import Bucket

Buckets = Callable[..., Bucket]
CONTENT = b"what it holds"


@pytest.fixture
def bucket(bucket: Bucket) -> Bucket:
    bucket.put("a/b c.txt", CONTENT, ContentType="text/plain")
    return bucket


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Stop the clock that URLs are signed by."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return now

    monkeypatch.setattr(_s3_urls, "datetime", Stopped)


STYLES: list[dict[str, Any]] = [{}, {"addressing_style": "virtual"}]


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_every_method_does_what_it_says(style: dict[str, Any], bucket: Bucket, localhost_names: None) -> None:
    endpoint = bucket.server.virtual_endpoint if style else bucket.server.endpoint
    storage = on(bucket, endpoint_url=endpoint, **style)
    assert (bucket.name in bare(storage.url("x")).partition("//")[2].partition("/")[0]) == bool(style)
    assert fetch(storage.url("a/b c.txt")).body == CONTENT
    head = fetch(storage.url("a/b c.txt", http_method="HEAD"), "HEAD")
    assert (head.status, head.headers["content-length"]) == (200, str(len(CONTENT)))
    assert fetch(storage.url("new.txt", http_method="PUT"), "PUT", b"new").status == 200
    assert bucket.get("new.txt") == b"new"
    assert fetch(storage.url("new.txt", http_method="DELETE"), "DELETE").status == 204
    assert bucket.keys() == ["a/b c.txt"]


HOSTILE = [
    "100%25?versionId=3#x[1]*.txt",
    "日本/語+é.txt",
    "a/../../b".replace("..", ". ."),
    "'(!)~:@,;=&$.txt",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_is_found(name: str, bucket: Bucket) -> None:
    storage = on(bucket, location="loc ation/ü")
    storage.save(name, ContentFile(b"here"))
    assert fetch(storage.url(name)).body == b"here"


@pytest.mark.parametrize("used", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_url_for_one_method_allows_no_other(used: str, bucket: Bucket) -> None:
    storage = on(bucket)
    for signed in {"GET", "HEAD", "PUT", "DELETE"} - {used}:
        reply = fetch(storage.url("a/b c.txt", http_method=signed), used, b"" if used == "PUT" else None)
        assert reply.status == 403
    assert bucket.get("a/b c.txt") == CONTENT


def tampered(url: str) -> list[str]:
    address, _, rest = url.partition("?")
    return [
        f"{address.replace('b%20c', 'other')}?{rest}",
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
        url.replace("response-content-type=text%2Fplain", "response-content-type=text%2Fhtml"),
        url + "&response-content-disposition=inline",
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("&X-Amz-Signature")[0],
    ]


def test_a_url_that_was_changed_is_refused(bucket: Bucket) -> None:
    bucket.put("a/other.txt", b"not this")
    url = on(bucket).url("a/b c.txt", {"ResponseContentType": "text/plain"})
    assert fetch(url).status == 200
    for changed in tampered(url):
        assert changed != url
        assert fetch(changed).status in (400, 403)


def test_a_url_ends(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = on(bucket)
    at(monkeypatch, timezone.now() - timedelta(seconds=100))
    assert fetch(storage.url("a/b c.txt", expire=600)).status == 200
    assert fetch(storage.url("a/b c.txt", expire=50)).status == 403
    assert fetch(storage.url("a/b c.txt", expire=timedelta(seconds=50))).status == 403


def test_another_users_key_and_a_wrong_secret(bucket: Bucket) -> None:
    nobody = bucket.server.user()  # type: ignore[attr-defined]
    assert fetch(on(bucket, access_key=nobody.key, secret_key=nobody.secret).url("a/b c.txt")).status == 403
    assert fetch(on(bucket, secret_key="wrong").url("a/b c.txt")).status == 403


NAMES = ["Rechnung ü.pdf", "plain.txt", 'with "quotes" and \\.txt', "日本語.txt", "a, b; c=d.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_under_which_a_browser_saves_it(name: str, bucket: Bucket) -> None:
    said = fetch(on(bucket).url("a/b c.txt", download_as=name)).headers["content-disposition"]
    assert said.startswith("attachment; filename")
    encoded = said.partition("filename*=utf-8''")[2]
    quoted = said.partition('filename="')[2].rstrip('"').replace('\\"', '"').replace("\\\\", "\\")
    assert (unquote(encoded) or quoted) == name


def test_a_name_to_save_under_goes_with_other_parameters(bucket: Bucket) -> None:
    url = on(bucket).url("a/b c.txt", {"ResponseContentType": "application/pdf"}, download_as="b.pdf")
    headers = fetch(url).headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == 'attachment; filename="b.pdf"'


def test_urls_stay_the_same_in_a_window(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = on(bucket, url_window=600, querystring_expire=300)
    began = datetime.fromtimestamp(int(timezone.now().timestamp()) // 600 * 600, UTC)
    urls = []
    for seconds in (0, 1, 599, 600, -1):
        at(monkeypatch, began + timedelta(seconds=seconds))
        urls.append(storage.url("a/b c.txt"))
    assert urls[0] == urls[1] == urls[2]
    assert len({urls[0], urls[3], urls[4]}) == 3
    assert query(urls[0])["X-Amz-Expires"] == "900", "whoever comes last has still what was promised"
    assert fetch(urls[0]).body == CONTENT
    at(monkeypatch, began - timedelta(seconds=2000))
    assert fetch(storage.url("a/b c.txt")).status == 403
    assert query(storage.url("a/b c.txt", expire=604800))["X-Amz-Expires"] == "604800"


def test_urls_of_public_files_are_plain(s3_bucket: Buckets) -> None:
    bucket = s3_bucket(acls=True)
    bucket.put("a b.css", b"public", ACL="public-read")
    bucket.put("private.css", b"private")
    for storage in (
        on(bucket, S3StaticStorage),
        on(bucket, querystring_auth=False),
        on(bucket, anonymous=True),
    ):
        assert storage.signs_offline
        assert storage.url("a b.css") == f"{bucket.server.endpoint}/{bucket.name}/a%20b.css"
        assert fetch(storage.url("a b.css")).body == b"public"
        assert fetch(storage.url("private.css")).status == 403
        with pytest.raises(ValueError, match="download_as in signed URLs alone"):
            storage.url("a b.css", download_as="c.css")
    assert fetch(on(bucket, S3StaticStorage, querystring_auth=True).url("private.css")).body == b"private"
    anonymous = on(bucket, anonymous=True)
    assert anonymous.open("a b.css").read() == b"public"
    with pytest.raises(PermissionError):
        anonymous.open("private.css")


def test_the_bucket_itself_has_no_signed_url(bucket: Bucket) -> None:
    storage = on(bucket)
    with pytest.raises(ValueError, match="would list its files"):
        storage.url("")
    assert fetch(on(bucket, location="a").url("")).code == "NoSuchKey"
    assert on(bucket, querystring_auth=False).url("").endswith(f"/{bucket.name}/")


def test_an_event_loop_gets_the_same_urls(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    storage: S3Storage = on(bucket, url_window=3600)
    at(monkeypatch, timezone.now())  # else an hour may end in between

    async def urls() -> list[str]:
        by_keyword = await storage.aurl("a/b c.txt", expire=60, http_method="HEAD")
        return [
            await storage.aurl("a/b c.txt"),
            await storage.aurl("a/b c.txt", None, 60, "HEAD"),
            by_keyword,
        ]

    plain, by_position, by_keyword = asyncio.run(urls())
    assert plain == storage.url("a/b c.txt")
    assert by_position == by_keyword == storage.url("a/b c.txt", None, 60, "HEAD")
    assert fetch(by_position, "HEAD").status == 200
