"""What a project tells S3 with every object: on which requests it goes, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on, save
from tests.servers.ministack import EVERYTHING, allow
from tests.support.waiting import at_once

SMALL = content_of(KILOBYTE)
LARGE = content_of(9 * MEGABYTE)

KEY = "0123456789abcdef0123456789abcdef"
CUSTOMERS = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
HEADER = "x-amz-server-side-encryption-customer-key"
SOURCE = "x-amz-copy-source-server-side-encryption-customer-key"


def requests_of(proxy: Any) -> dict[str, Any]:
    """Return the requests by what they are."""
    found = {}
    for request in proxy.requests:
        query = request.query
        kind = {
            "POST uploads": "Create",
            "POST uploadId": "Complete",
            "PUT partNumber": "Part",
            "GET list-type": "List",
            "GET uploads": "Uploads",
        }.get(
            f"{request.method} {next((n for n in ('uploads', 'partNumber', 'uploadId', 'list-type') if n in query), '')}"
        )
        name = kind or ("Copy" if "x-amz-copy-source" in request.headers else request.method)
        found[name] = request
    return found


def everything(fs: Any, name: str) -> None:
    """Have every kind of request made."""
    save(fs, f"{name}/a", SMALL)
    save(fs, f"{name}/b", LARGE)
    fs.inspect(f"{name}/a")
    assert fs.cat_file(f"{name}/a") == SMALL
    with fs.open(f"{name}/b") as file:
        assert file.read() == LARGE
    fs.cp_file(f"{name}/a", f"{name}/c")
    list(fs.scan(name))
    list(fs.leftovers(name))
    fs.remove(f"{name}/c")


ALL = {"PUT", "Create", "Part", "Complete", "HEAD", "GET", "Copy", "List", "Uploads", "DELETE"}


@pytest.mark.parametrize("given", ["constructor", "with_parameters"])
def test_a_customers_key_goes_with_every_request_that_touches_content(s3_bucket, moto, proxied, given):
    bucket, proxy = s3_bucket(server=moto), proxied(moto)
    if given == "constructor":
        fs = filesystem_on(bucket, proxy, s3_additional_kwargs=CUSTOMERS)
    else:
        fs = filesystem_on(bucket, proxy).with_parameters(CUSTOMERS)
    everything(fs, bucket.name)
    requests = requests_of(proxy)
    assert requests.keys() == ALL
    encoded = base64.b64encode(KEY.encode()).decode()
    assert {
        name: r.headers.get(HEADER) for name, r in requests.items() if HEADER in r.headers
    } == dict.fromkeys(("PUT", "Create", "Part", "Complete", "HEAD", "GET", "Copy"), encoded)
    assert [name for name, r in requests.items() if SOURCE in r.headers] == ["Copy"]
    assert requests["Copy"].headers[SOURCE] == encoded
    assert (
        requests["PUT"].headers[HEADER + "-md5"]
        == base64.b64encode(hashlib.md5(KEY.encode()).digest()).decode()
    )


def test_a_customers_key_can_be_given_to_open(s3_bucket, moto, proxied):
    bucket, proxy = s3_bucket(server=moto), proxied(moto)
    fs = filesystem_on(bucket, proxy)
    with fs.open(f"{bucket.name}/a", "wb", **CUSTOMERS) as file:
        file.write(LARGE)
    with fs.open(f"{bucket.name}/a", "rb", **CUSTOMERS) as file:
        assert file.read() == LARGE
    assert all(HEADER in r.headers for r in proxy.requests)


def test_a_customers_key_may_be_for_one_upload_alone(s3_bucket, moto, proxied):
    bucket, proxy = s3_bucket(server=moto), proxied(moto)
    fs = filesystem_on(bucket, proxy)
    save(fs, f"{bucket.name}/a", LARGE, **CUSTOMERS)
    assert all(HEADER in r.headers for r in proxy.requests)
    proxy.forget()
    save(fs, f"{bucket.name}/b", SMALL)
    assert HEADER not in proxy.requests[0].headers


def test_who_asks_pays_on_every_request(bucket, proxy):
    fs = filesystem_on(bucket, proxy, requester_pays=True)
    everything(fs, bucket.name)
    requests = requests_of(proxy)
    assert requests.keys() == ALL
    assert [name for name, r in requests.items() if r.headers.get("x-amz-request-payer") != "requester"] == []


def test_who_asks_pays_for_fsspecs_own_calls_too(bucket, proxy):
    fs = filesystem_on(bucket, proxy, requester_pays=True)
    bucket.put("d/a", SMALL)
    fs.ls(f"{bucket.name}/d")
    fs.find(bucket.name)
    fs.info(f"{bucket.name}/d/a")
    assert {r.headers.get("x-amz-request-payer") for r in proxy.requests} == {"requester"}
    proxy.forget()
    fs.open(f"{bucket.name}/d/a", requester_pays=False).close()
    filesystem_on(bucket, proxy).open(f"{bucket.name}/d/a", requester_pays=True).close()
    assert [r.headers.get("x-amz-request-payer") for r in proxy.requests] == ["requester", "requester"]


@pytest.mark.parametrize("content", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_metadata_of_every_kind_is_stored(s3_bucket, moto, content):
    bucket = s3_bucket(server=moto, acls=True)  # MiniStack forgets the tags of a multipart upload
    fs = filesystem_on(bucket)
    given = {
        "ContentType": "text/x-test",
        "CacheControl": "max-age=5",
        "ContentDisposition": 'attachment; filename="a.txt"',
        "ContentEncoding": "x-ours",
        "ContentLanguage": "de",
        "StorageClass": "STANDARD_IA",
        "Tagging": "project=one&kind=test",
        "ACL": "public-read",
        "Metadata": {"by": "me"},
    }
    save(fs, f"{bucket.name}/a", content, **given)
    found, admin = bucket.head("a"), bucket.server.admin
    stored = {name: found.get(name) for name in given.keys() - {"Tagging", "ACL", "Metadata"}}
    assert stored == {name: given[name] for name in stored}
    assert found["Metadata"]["by"] == "me"
    tags = admin.get_object_tagging(Bucket=bucket.name, Key="a")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"project": "one", "kind": "test"}
    grants = admin.get_object_acl(Bucket=bucket.name, Key="a")["Grants"]
    assert any("AllUsers" in grant["Grantee"].get("URI", "") for grant in grants)


def test_tags_and_acls_go_with_the_request_that_begins_an_upload(bucket, proxy):
    fs = filesystem_on(bucket, proxy, s3_additional_kwargs={"Tagging": "a=b", "ACL": "private"})
    save(fs, f"{bucket.name}/a", SMALL)
    save(fs, f"{bucket.name}/b", LARGE)
    requests = requests_of(proxy)
    assert [name for name, r in requests.items() if r.headers.get("x-amz-tagging") == "a=b"] == [
        "PUT",
        "Create",
    ]
    assert [name for name, r in requests.items() if r.headers.get("x-amz-acl") == "private"] == [
        "PUT",
        "Create",
    ]


@pytest.mark.parametrize(("given", "sent"), [("public-read", "public-read"), (None, None), ("", None)])
def test_open_takes_an_acl_as_s3fs_does(s3_bucket, proxy, given, sent):
    bucket = s3_bucket(acls=True)
    with filesystem_on(bucket, proxy).open(f"{bucket.name}/a", "wb", acl=given) as file:
        file.write(SMALL)
    assert proxy.requests[0].headers.get("x-amz-acl") == sent


@pytest.mark.parametrize("name", ["ContentTypo", "content_type", "ServerSideEncyption"])
def test_a_parameter_that_s3_does_not_know_is_refused(bucket, proxy, name):
    fs = filesystem_on(bucket, proxy)
    with pytest.raises(TypeError, match=name):
        save(fs, f"{bucket.name}/a", SMALL, **{name: "secret value"})
    with pytest.raises(TypeError, match=name):
        fs.open(f"{bucket.name}/a", "wb", **{name: "x"})
    with pytest.raises(TypeError, match=name):
        fs.pipe_file(f"{bucket.name}/a", SMALL, **{name: "x"})
    assert proxy.requests == []


def test_a_value_that_s3_cannot_take_is_an_error_without_it(bucket):
    fs = filesystem_on(bucket)
    with pytest.raises(OSError, match="the SDK refuses a parameter") as caught:
        save(fs, f"{bucket.name}/a", SMALL, CacheControl=["hunter2"])
    assert "hunter2" not in str(caught.value)


def test_an_object_that_is_locked_is_not_deleted(s3_bucket):
    bucket = s3_bucket(object_lock=True)
    until = datetime.now(UTC) + timedelta(days=1)
    fs = filesystem_on(bucket)
    save(fs, f"{bucket.name}/a", SMALL, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)
    version = bucket.head("a")["VersionId"]
    with pytest.raises(PermissionError, match="which no policy gives on an object that is locked") as caught:
        fs.with_parameters({"VersionId": version}).remove(f"{bucket.name}/a")
    assert caught.value.filename == f"{bucket.name}/a"
    assert bucket.get("a") == SMALL


def test_a_version_can_be_read(s3_bucket):
    bucket = s3_bucket(versioning=True)
    first = bucket.put("a", LARGE)["VersionId"]
    bucket.put("a", SMALL)
    path = f"{bucket.name}/a"
    fs = filesystem_on(bucket, version_aware=True)
    for opened in (fs.open(path, version_id=first), fs.open(f"{path}?versionId={first}")):
        with opened as file:
            assert file.read() == LARGE
    assert fs.cat_file(path, version_id=first) == fs.cat_file(f"{path}?versionId={first}") == LARGE
    assert fs.with_parameters({"VersionId": first}).cat_file(path) == LARGE
    assert fs.cat_file(path) == SMALL
    with pytest.raises(ValueError, match="not version aware"):
        filesystem_on(bucket).open(path, version_id=first)


# A bucket that is missing


def test_a_missing_bucket_is_created_once(ministack, proxied, caplog):
    proxy, name = proxied(), f"created-{threading.get_native_id()}"
    bucket = type("Missing", (), {"server": ministack, "name": name})
    fs = filesystem_on(bucket, proxy, create_bucket={})
    try:
        assert at_once(8, lambda n: save(fs, f"{name}/{n}", LARGE if n == 0 else SMALL)) == [None] * 8
        creations = [r for r in proxy.requests if r.method == "PUT" and r.path == f"/{name}"]
        assert len(creations) == 1
        assert caplog.text.count("did not exist: it was created") == 1
        assert fs.cat_file(f"{name}/0") == LARGE
        proxy.forget()
        save(fs, f"{name}/again", SMALL)
        assert len(proxy.requests) == 1
        for path in fs.find(name):
            fs.remove(path)
        ministack.admin.delete_bucket(Bucket=name)
        save(fs, f"{name}/0", SMALL)  # and again, where it was deleted since
    finally:
        fs.remove(f"{name}/0")
        ministack.admin.delete_bucket(Bucket=name)


def test_a_bucket_is_created_where_the_client_is_and_as_told(ministack, proxied):
    proxy, name = proxied(), f"created-there-{threading.get_native_id()}"
    bucket = type("Missing", (), {"server": ministack, "name": name})
    fs = filesystem_on(
        bucket, proxy, create_bucket={"ACL": "private"}, client_kwargs={"region_name": "eu-west-1"}
    )
    save(fs, f"{name}/a", b"")
    creation = next(r for r in proxy.requests if r.path == f"/{name}")
    assert creation.headers["x-amz-acl"] == "private"
    assert ministack.admin.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    fs.remove(f"{name}/a")
    ministack.admin.delete_bucket(Bucket=name)


def test_a_bucket_that_may_not_be_created_is_an_error_that_says_so(ministack):
    keys = ministack.user(EVERYTHING, allow("s3:CreateBucket", Effect="Deny"))
    bucket = type("Missing", (), {"server": ministack, "name": "may-not-be-created"})
    fs = filesystem_on(bucket, create_bucket={}, keys=keys)
    with pytest.raises(PermissionError, match="grant s3:CreateBucket"):
        save(fs, f"{bucket.name}/a", SMALL)
