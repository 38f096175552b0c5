"""Paths on S3 are final: every key is stored under exactly itself, read back from there, and touches no other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.s3_paths import split
from tests.nodjango.s3_support import MEGABYTE, content_of, filesystem_on, save

HOSTILE = [
    "a[1].txt",
    "a*",
    "a?",
    "a?versionId=z",
    "a?versionid=z&x=1",
    "a#b",
    "a%20b",
    "a%2Fb",
    "a%",
    "a+b",
    "a b",
    " a ",
    "a&b=c",
    "a;b",
    "a::b",
    "s3://other/a",
    "folder//a",
    "/a",
    "//a",
    "a/",
    "a//",
    "äöü/ß.txt",
    "日本語/ファイル",
    "e\u0301",
    "é",
    "a\\b",
    "a'b\"c",
    "a<b>&c;",
    "a\tb",
    "~a",
    "{a}",
    "a|b",
    "@a:b",
    "😀",
    "x" * 1024,
]

#: What globbing, a version marker or normalising would make of one of them.
DECOYS = ["a1.txt", "a", "ab", "a b.txt", "b", "folder/a", "a/b", "other/a"]


@pytest.fixture
def fs(bucket):
    return filesystem_on(bucket)


def read(fs: Any, path: str) -> bytes:
    download = fs.begin_read(path)
    data = bridge(download.read(0, download.size))
    download.release()
    return bytes(data)


@pytest.mark.parametrize("key", HOSTILE)
def test_a_key_is_itself_and_no_other_is_touched(fs, bucket, key):
    decoys = {decoy: decoy.encode() for decoy in DECOYS if decoy != key}
    for decoy, content in decoys.items():
        bucket.put(decoy, content)
    path = f"{bucket.name}/{key}"
    with pytest.raises(FileNotFoundError):
        fs.inspect(path)
    with pytest.raises(FileNotFoundError):
        fs.begin_read(path)
    save(fs, path, b"its own", exclusive=True)
    assert bucket.get(key) == b"its own"
    assert read(fs, path) == b"its own"
    assert (fs.inspect(path).path, fs.inspect(path).size) == (path, 7)
    with pytest.raises(FileExistsError):
        save(fs, path, b"another", exclusive=True)
    found = {facts.path for page in fs.scan(bucket.name) for facts in page}
    assert found == {f"{bucket.name}/{name}" for name in {*decoys, key} if not name.endswith("/")}
    fs.remove(path)
    assert bucket.head(key) is None
    assert {decoy: bucket.get(decoy) for decoy in decoys} == decoys


@pytest.mark.parametrize("key", ["a?versionId=z", "a%2Fb", "ä b+c", "folder//a"])
def test_the_parts_of_a_large_upload_go_to_the_same_key(fs, bucket, key):
    content = content_of(9 * MEGABYTE)
    save(fs, f"{bucket.name}/{key}", content)
    assert bucket.keys() == [key]
    assert read(fs, f"{bucket.name}/{key}")[: 9 * MEGABYTE] == content


KEYS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=40
).filter(lambda key: not {".", ".."} & set(key.split("/")))


@given(keys=st.lists(KEYS, min_size=1, max_size=4, unique=True))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_keys(fs, bucket, keys):
    for number, key in enumerate(keys):
        save(fs, f"{bucket.name}/{key}", str(number).encode())
    try:
        assert [read(fs, f"{bucket.name}/{key}") for key in keys] == [
            str(n).encode() for n in range(len(keys))
        ]
        listed = [facts.path for page in fs.scan(bucket.name) for facts in page]
        assert listed == sorted(f"{bucket.name}/{key}" for key in keys if not key.endswith("/"))
    finally:
        bucket.empty()


def test_a_scan_resumes_after_any_key(fs, bucket):
    keys = sorted(key for key in HOSTILE if not key.endswith("/"))
    for key in keys:
        bucket.put(key)
    for place, key in enumerate(keys):
        found = [f.path for page in fs.scan(bucket.name, start_after=f"{bucket.name}/{key}") for f in page]
        assert found == [f"{bucket.name}/{later}" for later in keys[place + 1 :]]


def test_a_level_of_a_listing_has_files_and_folders(fs, bucket):
    for key in ("a", "b/c", "b/d/e", "b.txt", "folder/"):
        bucket.put(key, key.encode())
    level = [(f.path, f.type, f.size) for page in fs.scan(bucket.name, "/") for f in page]
    name = bucket.name
    assert level == [
        (f"{name}/a", "file", 1),
        (f"{name}/b", "directory", None),
        (f"{name}/b.txt", "file", 5),
        (f"{name}/folder", "directory", None),
    ]
    assert [f.path for page in fs.scan(f"{name}/b", "/") for f in page] == [f"{name}/b/c", f"{name}/b/d"]
    assert list(fs.scan(f"{name}/folder", "/")) == list(fs.scan(f"{name}/fold")) == []


@pytest.mark.parametrize("path", ["", "/"])
def test_a_bucket_is_no_object(fs, bucket, path):
    for call in (fs.inspect, fs.begin_read, fs.remove):
        with pytest.raises(FileNotFoundError):
            call(bucket.name + path)
    with pytest.raises(IsADirectoryError):
        save(fs, bucket.name + path, b"x")


ARNS = [
    "arn:aws:s3:us-east-1:123456789012:accesspoint/media",
    "arn:aws:s3:us-east-1:123456789012:accesspoint:media",
    "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/media",
    "arn:aws:s3::123456789012:accesspoint:alias.mrap",
    "arn:aws:s3::123456789012:accesspoint/alias.mrap",
    "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/media",
    "arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-1/accesspoint/media",
    "arn:aws:s3-outposts:us-east-1:123456789012:outpost:op-1:accesspoint:media",
]


@pytest.mark.parametrize("arn", ARNS)
@pytest.mark.parametrize(
    "key", ["", "a", "a/b", "a:b/c", "accesspoint/x", "arn:aws:s3:r:1:accesspoint/y/z", "a\nb"]
)
def test_an_access_points_arn_is_a_bucket(arn, key):
    assert split(f"{arn}/{key}") == (arn, key)
    assert split(arn) == (arn, "")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("bucket/a", ("bucket", "a")),
        ("bucket", ("bucket", "")),
        ("bucket//a", ("bucket", "/a")),
        ("bucket/arn:aws:s3:us-east-1:123456789012:accesspoint/x/y", ("bucket", "arn:aws:s3:us-east-1:123456789012:accesspoint/x/y")),
        ("arn:something/else", ("arn:something", "else")),
    ],
)  # fmt: skip
def test_other_paths_are_split_at_the_first_slash(path, parts):
    assert split(path) == parts


@pytest.mark.parametrize("arn", ARNS[:2])
def test_an_access_point_is_asked_at_its_own_host(moto, proxied, arn):
    """moto knows no access points: what would reach Amazon is seen on its way."""
    proxy = proxied(moto)
    bucket = type("Point", (), {"server": moto, "name": arn})
    config = {"proxies": {"http": proxy.endpoint}, "retries": {"total_max_attempts": 1}}
    fs = filesystem_on(bucket, endpoint_url=None, use_ssl=False, config_kwargs=config)
    with pytest.raises(OSError, match="S3"):
        fs.inspect(f"{arn}/folder/a")
    (request,) = proxy.requests
    assert request.headers["host"] == "media-123456789012.s3-accesspoint.us-east-1.amazonaws.com"
    assert request.path == "/folder/a"
