"""Static files in a bucket: what ``collectstatic`` stores, and where pages find it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.templatetags.static import static
from django.test import override_settings

from tests.backends.s3_project import classic, fetched
from tests.servers.s3 import Bucket

SOURCES = {
    "css/site.css": b"body { background: url(../img/a%20b.svg) } @import 'print.css';",
    "css/print.css": b"p { color: black }",
    "img/a b.svg": b"<svg/>",
    "js/deep/er/app.js": b"export default 1;",
}
HASHED = re.compile(r"(.+)\.[0-9a-f]{12}(\.\w+)")

KINDS = {
    "plain": "django_fsspec_storages.backends.s3.S3StaticStorage",
    "manifest": "django_fsspec_storages.backends.s3.S3ManifestStaticStorage",
    "plain of 1.7": "django_fsspec_storages.backends.s3boto3.S3StaticStorage",
    "manifest of 1.7": "django_fsspec_storages.backends.s3boto3.S3ManifestStaticStorage",
}
PLACES = [
    *((kind, location) for kind in ("plain", "manifest") for location in ("", "static", "assets/v1/static")),
    ("plain of 1.7", "static"),
    ("manifest of 1.7", ""),
]


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0]}, {place[1]!r}")
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    kind, location = request.param
    return kind, location


@pytest.fixture
def kind(place: tuple[str, str]) -> str:
    return place[0]


@pytest.fixture
def location(place: tuple[str, str]) -> str:
    return place[1]


@pytest.fixture
def bucket(s3_bucket: Callable[..., Bucket]) -> Bucket:
    """A bucket that holds something else too, beside the static files."""
    made = s3_bucket("static", acls=True)
    made.put("static-2/mine.txt", b"mine")
    return made


@pytest.fixture
def site(bucket: Bucket, kind: str, location: str, tmp_path: Path) -> Iterator[None]:
    """A project whose static files are public in the bucket."""
    for name, content in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    static_files: dict[str, Any] = {"BACKEND": KINDS[kind], "OPTIONS": {"location": location}}
    with override_settings(
        STORAGES={"staticfiles": static_files},
        STATICFILES_DIRS=[str(tmp_path)],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        DEBUG=False,
        **classic(bucket, AWS_DEFAULT_ACL="public-read"),
    ):
        yield


def collect(**options: Any) -> str:
    out = io.StringIO()
    call_command("collectstatic", interactive=False, stdout=out, **options)
    return out.getvalue()


def collected(bucket: Bucket, location: str) -> dict[str, bytes]:
    """Return what is in the location, by name; what is beside it must be as it was."""
    files = {key: bucket.get(key) for key in bucket.keys()}  # noqa: SIM118 - a method of ours
    beside = files.pop("static-2/mine.txt") if location else b"mine"
    assert beside == b"mine"
    prefix = location and f"{location}/"
    assert all(key.startswith(prefix) for key in files)
    return {key.removeprefix(prefix): content for key, content in files.items()}


@pytest.mark.usefixtures("site")
def test_files_are_stored_below_the_location_and_public(bucket: Bucket, kind: str, location: str) -> None:
    assert f"{len(SOURCES)} static files copied" in collect()
    files = collected(bucket, location)
    files.pop("static-2/mine.txt", None)
    plain = {name: content for name, content in files.items() if name in SOURCES}
    assert plain == SOURCES
    hashed = {name for name in files if HASHED.fullmatch(name)}
    if "manifest" in kind:
        assert {"".join(HASHED.fullmatch(name).groups()) for name in hashed} == set(SOURCES)  # type: ignore[union-attr]
        manifest = json.loads(files["staticfiles.json"])["paths"]
        assert set(manifest.values()) == hashed
        css = files[manifest["css/site.css"]].decode()
        assert manifest["css/print.css"].rpartition("/")[2] in css
        assert "X-Amz" not in css
    else:
        assert set(files) == set(SOURCES)
    types = {name: (bucket.head(f"{location}/{name}".lstrip("/")) or {})["ContentType"] for name in SOURCES}
    assert types["css/site.css"] == "text/css"
    assert types["img/a b.svg"] == "image/svg+xml"


@pytest.mark.usefixtures("site")
def test_pages_find_them_by_urls_without_a_signature(bucket: Bucket, kind: str, location: str) -> None:
    collect()
    for name, content in SOURCES.items():
        url = static(name)
        prefix = f"{bucket.server.endpoint}/{bucket.name}/{location}".rstrip("/")
        assert url.startswith(f"{prefix}/")
        assert "?" not in url
        assert bool(HASHED.fullmatch(url.rpartition("/")[2].replace("%20", " "))) is ("manifest" in kind)
        if not name.endswith("site.css"):
            assert fetched(url.replace(" ", "%20")) == (200, content)  # Django unquotes those of its manifest
    with override_settings(
        AWS_S3_CUSTOM_DOMAIN="cdn.example.com", STATIC_URL="https://elsewhere.example.com/"
    ):
        assert static("css/print.css").startswith(
            f"https://cdn.example.com/{location}".rstrip("/") + "/css/print."
        )


@pytest.mark.usefixtures("site")
def test_collecting_twice_copies_nothing_twice(bucket: Bucket, location: str) -> None:
    collect()
    before = collected(bucket, location)
    assert "0 static files copied" in collect()
    assert collected(bucket, location) == before


@pytest.mark.usefixtures("site")
def test_clear_removes_what_is_below_the_location_and_nothing_else(bucket: Bucket, location: str) -> None:
    collect()
    before = collected(bucket, location)
    for old in ("old.txt", "old/and/deep.txt"):
        bucket.put(f"{location}/{old}".lstrip("/"), b"old")
    if not location:  # the whole bucket is the place of static files then
        before.pop("static-2/mine.txt")
    assert f"{len(SOURCES)} static files copied" in collect(clear=True)
    assert collected(bucket, location) == before


def test_djangos_own_check_refuses_a_static_url_without_a_final_slash() -> None:
    with override_settings(
        AWS_S3_CUSTOM_DOMAIN="cdn.example.com", STATIC_URL="https://cdn.example.com/static"
    ):
        (found,) = checks.run_checks(tags=[checks.Tags.urls])
    assert found.id == "urls.E006"


@pytest.mark.parametrize(
    ("domain", "wrong"),
    [
        ("cdn.example.com/", "ends in a slash"),
        ("cdn.example.com/static/", "ends in a slash"),
        ("https://cdn.example.com", "has a scheme"),
        ("//cdn.example.com", "has a scheme"),
    ],
)
def test_a_check_refuses_a_custom_domain_that_is_more_than_one(domain: str, wrong: str) -> None:
    alias: dict[str, Any] = {"BACKEND": KINDS["plain"], "OPTIONS": {"bucket_name": "bucket"}}
    with override_settings(STORAGES={"staticfiles": alias}, AWS_S3_CUSTOM_DOMAIN=domain):
        (found,) = checks.run_checks(tags=[checks.Tags.files])
    assert found.id == "fsspec_storages.E005"
    assert f"'custom_domain', from the setting AWS_S3_CUSTOM_DOMAIN: {domain!r} {wrong}" in found.msg
