"""What S3 refuses, as errors of Python's: which class, what to grant or to set, from which error, and never a secret."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import botocore
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from django_fsspec_storages.errors import NoContainerError
from django_fsspec_storages.filesystems.s3_errors import explain
from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on, save
from tests.servers.ministack import EVERYTHING, allow
from tests.servers.s3 import Keys

SMALL = content_of(KILOBYTE)
LARGE = content_of(9 * MEGABYTE)
SECRET = "hunter2hunter2hunter2"
QUICK = {"retries": {"total_max_attempts": 1}}

#: Calls of the filesystem, by the action that each needs.
CALLS: dict[str, Any] = {
    "s3:GetObject": [
        lambda fs, path: fs.inspect(path),
        lambda fs, path: fs.begin_read(path),
        lambda fs, path: fs.cat_file(path),
        lambda fs, path: fs.open(path),
    ],
    "s3:PutObject": [
        lambda fs, path: save(fs, path, SMALL),
        lambda fs, path: save(fs, path, LARGE),
        lambda fs, path: fs.pipe_file(path, SMALL),
        lambda fs, path: fs.pipe_file(path, LARGE),
    ],
    "s3:DeleteObject": [lambda fs, path: fs.remove(path)],
    "s3:ListBucket": [lambda fs, path: list(fs.scan(path.partition("/")[0]))],
    "s3:ListBucketMultipartUploads": [lambda fs, path: list(fs.leftovers(path.partition("/")[0]))],
}
EACH = [(action, number) for action, calls in CALLS.items() for number in range(len(calls))]


@pytest.fixture
def bucket(bucket):
    bucket.put("a", SMALL)
    return bucket


def refused(kind: type[OSError], call: Any, *said: str) -> OSError:
    """Call something that raises an error of exactly this kind, from the SDK's own, that says this and no secret."""
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert type(error) is kind
    assert isinstance(error.__cause__, (ClientError, BotoCoreError))
    text = f"{error} {error!r} {error.filename}"
    for words in said:
        assert words in text
    assert SECRET not in text + str(error.__cause__)
    assert "S3 at 127.0.0.1" in text
    return error


@pytest.mark.parametrize(("action", "number"), EACH)
def test_an_action_that_is_denied_is_named(ministack, bucket, action, number):
    keys = ministack.user(EVERYTHING, allow(action, Effect="Deny"))
    path = f"{bucket.name}/a"
    refused(
        PermissionError,
        lambda: CALLS[action][number](filesystem_on(bucket, keys=keys), path),
        f"grant {action}",
    )
    assert bucket.get("a") == SMALL
    assert bucket.uploads() == []


def test_an_abort_that_is_denied_leaves_what_leftovers_finds(bucket, proxy, caplog):
    fs = filesystem_on(bucket, proxy)
    proxy.fault("answer", method="DELETE", status=403, code="AccessDenied", times=None)

    def failing() -> Any:
        yield from (LARGE, LARGE)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        save(fs, f"{bucket.name}/b", failing())
    assert "could not be aborted" in caplog.text
    (left,) = fs.leftovers(bucket.name)
    refused(PermissionError, lambda: fs.discard(left), "grant s3:AbortMultipartUpload")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (lambda right: Keys("AKIANOBODY", SECRET), "the server does not know the access key, check AWS_S3_ACCESS_KEY_ID"),
        (lambda right: Keys(right.key, SECRET), "the signature does not fit: check the secret key"),
    ],
    ids=["unknown key", "wrong secret"],
)  # fmt: skip
@pytest.mark.parametrize("call", ["cat_file", "pipe_file", "scan", "inspect"])
def test_wrong_keys(bucket, keys, said, call):
    fs = filesystem_on(bucket, keys=keys(bucket.server.keys))
    path = f"{bucket.name}/a"
    calls = {
        "cat_file": lambda: fs.cat_file(path),
        "pipe_file": lambda: fs.pipe_file(path, SMALL),
        "scan": lambda: list(fs.scan(bucket.name)),
        "inspect": lambda: fs.inspect(path),
    }
    if call == "inspect":  # the reply to HEAD has no body, and so no reason
        said = "or check the keys and the clock: this reply does not say why"
    refused(PermissionError, calls[call], said)


#: Replies of Amazon's that no emulator gives, by what they come from.
CANNED = {
    "ExpiredToken": (
        400,
        PermissionError,
        "the temporary credentials have expired or are not valid, get new ones",
    ),
    "InvalidToken": (400, PermissionError, "the temporary credentials have expired or are not valid"),
    "TokenRefreshRequired": (400, PermissionError, "the temporary credentials have expired"),
    "RequestTimeTooSkewed": (403, PermissionError, "the clock of this machine is more than 15 minutes off"),
    "AccessDenied": (403, PermissionError, "grant s3:GetObject"),
    "AllAccessDisabled": (403, PermissionError, "grant s3:GetObject"),
    "InvalidObjectState": (403, PermissionError, "the object is archived, restore it first"),
    "PermanentRedirect": (301, OSError, "the bucket is in another region, set AWS_S3_REGION_NAME"),
    "AuthorizationHeaderMalformed": (400, OSError, "the bucket is in another region"),
    "IllegalLocationConstraintException": (400, OSError, "the bucket is in another region"),
    "NoSuchBucket": (404, NoContainerError, "there is no such bucket, check AWS_STORAGE_BUCKET_NAME"),
    "NoSuchKey": (404, FileNotFoundError, "No such file"),
    "KeyTooLongError": (400, OSError, "the server says KeyTooLongError: From the proxy"),
    "SlowDown": (503, ConnectionError, "SlowDown, the server asks for fewer requests"),
    "InternalError": (500, ConnectionError, "it says InternalError"),
    "TooManyRequests": (429, ConnectionError, "The server answered 429"),
    "NotImplemented": (501, OSError, "the server does not know a part of the request"),
}


@pytest.mark.parametrize("code", CANNED)
def test_a_refusal_is_an_error_of_its_kind(bucket, proxy, code):
    status, kind, said = CANNED[code]
    fs = filesystem_on(bucket, proxy, config_kwargs=QUICK)
    proxy.fault("answer", status=status, code=code, times=None)
    error = refused(kind, lambda: fs.cat_file(f"{bucket.name}/a"), said)
    assert error.filename == f"{bucket.name}/a"
    proxy.mend()
    assert fs.cat_file(f"{bucket.name}/a") == SMALL


def test_a_head_that_is_refused_without_a_word(bucket, proxy):
    """So it is where a token has expired, in another region, and without a customer's key."""
    fs = filesystem_on(bucket, proxy, config_kwargs=QUICK)
    proxy.fault("answer", status=400, code="ExpiredToken", times=None)
    refused(
        PermissionError,
        lambda: fs.inspect(f"{bucket.name}/a"),
        "does not say why: get new credentials if there is a token that may have expired",
        "check AWS_S3_REGION_NAME or region_name",
    )


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (503, "SlowDown")])
def test_a_server_that_fails_was_reached(bucket, proxy, status, code):
    fs = filesystem_on(bucket, proxy, config_kwargs=QUICK)
    proxy.fault("answer", status=status, code=code, times=None)
    answered = f"The server answered {status} in S3 at 127.0.0.1"
    refused(ConnectionError, lambda: fs.cat_file(f"{bucket.name}/a"), answered, code)
    refused(ConnectionError, lambda: fs.inspect(f"{bucket.name}/a"), answered)
    refused(ConnectionError, lambda: save(fs, f"{bucket.name}/a", SMALL), answered, code)


@pytest.mark.skipif(
    botocore.__version__.startswith("1.35."), reason="this botocore does not say what the error was"
)
def test_a_server_that_fails_after_it_has_said_200(bucket, proxy):
    fs = filesystem_on(bucket, proxy, config_kwargs=QUICK)
    complete = {"method": "POST", "path": r"\?uploadId="}
    proxy.fault("answer", status=200, code="InternalError", times=None, **complete)
    call = lambda: save(fs, f"{bucket.name}/a", LARGE)  # noqa: E731
    refused(ConnectionError, call, "The server answered 500", "it says InternalError")


@pytest.mark.skipif(find_spec("awscrt") is not None, reason="the SDK's extra package is installed")
def test_a_checksum_that_the_sdk_cannot_compute(bucket):
    fs = filesystem_on(bucket)
    for content in (SMALL, LARGE):
        call = lambda content=content: save(fs, f"{bucket.name}/b", content, ChecksumAlgorithm="CRC32C")  # noqa: E731
        refused(OSError, call, "pip install 'botocore[crt]'", "ChecksumAlgorithm of CRC32")
    assert bucket.keys() == ["a"]
    assert bucket.uploads() == []


def test_the_sdk_follows_a_bucket_to_its_region(bucket, s3_bucket, proxy, caplog):
    def told() -> list[str]:
        return [said for r in caplog.records if "is in the region" in (said := r.getMessage())]

    fs = filesystem_on(bucket, proxy, client_kwargs={"region_name": "eu-west-1"})
    elsewhere = {"x-amz-bucket-region": "us-east-1"}
    proxy.fault("answer", status=400, code="InvalidTag", headers=elsewhere)
    refused(OSError, lambda: fs.cat_file(f"{bucket.name}/a"), "InvalidTag")
    assert told() == []
    proxy.forget()
    for method in ("GET", "HEAD"):
        proxy.fault("answer", status=301, code="PermanentRedirect", headers=elsewhere, method=method)
    assert fs.cat_file(f"{bucket.name}/a") == SMALL
    assert ["/us-east-1/" in r.headers["authorization"] for r in proxy.requests] == [False, True]
    assert fs.inspect(f"{bucket.name}/a").size == len(SMALL)
    (said,) = told()  # for signed URLs follow nobody
    assert f"the bucket {bucket.name!r} is in the region us-east-1 and not in eu-west-1" in said
    assert said.endswith("Set AWS_S3_REGION_NAME, or region_name, to us-east-1")

    other = s3_bucket()
    other.put("a", SMALL)
    proxy.fault("answer", status=301, code="PermanentRedirect", headers=elsewhere)
    assert fs.cat_file(f"{other.name}/a") == SMALL
    assert len(told()) == 2


def test_no_more_than_a_sentence_of_the_servers_is_shown():
    refusal = ClientError(
        {"Error": {"Code": "InvalidTag", "Message": "x" * 999}, "ResponseMetadata": {"HTTPStatusCode": 400}},
        "PutObject",
    )
    assert explain(refusal) == (OSError, "the server says InvalidTag: " + "x" * 200)


@pytest.mark.parametrize("call", ["cat_file", "inspect", "pipe_file"])
def test_a_redirect_that_leads_nowhere_ends(bucket, proxy, call):
    fs = filesystem_on(bucket, proxy)
    proxy.fault("answer", status=301, code="PermanentRedirect", times=None)
    more = (SMALL,) if call == "pipe_file" else ()
    refused(OSError, lambda: getattr(fs, call)(f"{bucket.name}/a", *more), "the bucket is in another region")
    assert len(proxy.requests) == 2  # it asks the bucket once where it is


def test_a_bucket_that_is_missing(bucket):
    fs = filesystem_on(bucket)
    for call in (
        lambda: fs.cat_file("missing-bucket/a"),
        lambda: save(fs, "missing-bucket/a", SMALL),
        lambda: save(fs, "missing-bucket/a", LARGE),
        lambda: list(fs.scan("missing-bucket")),
        lambda: list(fs.leftovers("missing-bucket")),
        lambda: fs.remove("missing-bucket/a"),
    ):
        refused(
            NoContainerError, call, "there is no such bucket, check AWS_STORAGE_BUCKET_NAME or bucket_name"
        )


def test_no_credentials(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    fs = filesystem_on(bucket, key=None, secret=None)
    for call in (lambda: fs.inspect(f"{bucket.name}/a"), lambda: save(fs, f"{bucket.name}/a", SMALL)):
        refused(
            PermissionError,
            call,
            "there are no credentials: set access_key and secret_key",
            "or set anonymous",
        )


def test_half_a_pair_of_keys(bucket):
    fs = filesystem_on(bucket, secret=None)
    refused(PermissionError, lambda: fs.inspect(f"{bucket.name}/a"), "there are no credentials")


def test_a_profile_that_nobody_wrote_down(bucket):
    fs = filesystem_on(bucket, key=None, secret=None, profile="nobody")
    for call in (lambda: fs.inspect(f"{bucket.name}/a"), lambda: fs.open(f"{bucket.name}/a", "wb")):
        refused(PermissionError, call, "there is no such profile", "check session_profile")


def test_anonymous_access(s3_bucket):
    bucket = s3_bucket(acls=True)
    bucket.put("public", SMALL, ACL="public-read")
    bucket.put("private", SMALL)
    fs = filesystem_on(bucket, anon=True)
    assert fs.cat_file(f"{bucket.name}/public") == SMALL
    refused(PermissionError, lambda: fs.cat_file(f"{bucket.name}/private"), "grant s3:GetObject")


def test_an_acl_in_a_bucket_that_takes_none(bucket):
    fs = filesystem_on(bucket)
    call = lambda: save(fs, f"{bucket.name}/b", SMALL, ACL="public-read")  # noqa: E731
    refused(
        OSError if bucket.head("b") else PermissionError,
        call,
        "the bucket takes no ACLs, leave AWS_DEFAULT_ACL",
    )


def test_credentials_are_the_sdks_and_may_change(bucket, tmp_path, monkeypatch):
    """A profile whose keys come from a program, as roles' do: renewed by the SDK when they have expired."""
    keys = bucket.server.keys
    (tmp_path / "keys.sh").write_text(
        f"#!/bin/sh\necho x >> {tmp_path}/asked\n"
        f'echo \'{{"Version": 1, "AccessKeyId": "{keys.key}", "SecretAccessKey": "{keys.secret}", '
        '"Expiration": "2020-01-01T00:00:00Z"}\'\n'
    )
    os.chmod(tmp_path / "keys.sh", 0o755)
    (tmp_path / "config").write_text(f"[profile rotating]\ncredential_process = {tmp_path}/keys.sh\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    fs = filesystem_on(bucket, key=None, secret=None, profile="rotating")
    with pytest.raises((OSError, RuntimeError)):
        fs.cat_file(f"{bucket.name}/a")
    text = (tmp_path / "keys.sh").read_text().replace("2020-01-01", "2999-01-01")
    (tmp_path / "keys.sh").write_text(text)
    assert fs.cat_file(f"{bucket.name}/a") == SMALL
