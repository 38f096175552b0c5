"""Replies of S3 that are lost: what was stored is recognised as one's own by its token, and as another's without it."""

from __future__ import annotations

import threading

import pytest

from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on, save, sent_to
from tests.servers.ministack import allow
from tests.servers.proxy_records import Fault
from tests.support.waiting import until

SMALL = content_of(KILOBYTE)
LARGE = content_of(17 * MEGABYTE)

COMPLETE = {"method": "POST", "path": r"\?uploadId="}
WRITES = {"PUT": (SMALL, {"method": "PUT"}), "Complete": (LARGE, COMPLETE)}

#: How a reply is lost, after the server has acted.
LOSSES = ["lose_reply", "reset_after"]


@pytest.fixture
def bucket(s3_bucket):
    return s3_bucket(versioning=True)


@pytest.fixture
def fs(bucket, proxy):
    return filesystem_on(bucket, proxy)


def versions(bucket):
    """Return how often each key was written."""
    found = bucket.server.admin.list_object_versions(Bucket=bucket.name)
    return sorted(version["Key"] for version in found.get("Versions", ()))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("write", WRITES)
def test_an_exclusive_write_whose_reply_is_lost_is_done_once(fs, bucket, proxy, write, loss):
    content, matching = WRITES[write]
    proxy.fault(loss, **matching)
    save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert bucket.get("a") == content
    assert versions(bucket) == ["a"]
    assert bucket.uploads() == []
    repeated = [r for r in proxy.requests if "if-none-match" in r.headers]
    assert [r.fault for r in repeated] == [loss, "none"]
    if write == "PUT":
        assert [r.status for r in proxy.requests[1:]] == [412, 200]
        assert sent_to(proxy)[-1] == "HEAD"  # which is how it was recognised


def test_an_upload_that_is_gone_after_a_lost_reply_is_recognised_too(fs, bucket, proxy):
    """Some servers remember uploads that have ended, others answer that there is no such upload."""
    proxy.fault("lose_reply", **COMPLETE)
    proxy.fault("answer", status=404, code="NoSuchUpload", **COMPLETE)
    save(fs, f"{bucket.name}/a", LARGE, exclusive=True)
    assert bucket.get("a") == LARGE
    assert sent_to(proxy)[-1] == "HEAD"


@pytest.mark.parametrize("body", ["", "<html>welcome</html>"])
@pytest.mark.parametrize("write", WRITES)
def test_a_success_that_names_nothing_is_none(fs, bucket, proxy, write, body):
    """A proxy on the way answers, not S3: nothing was stored."""
    content, matching = WRITES[write]
    proxy.fault("answer", status=200, body=body, times=None, **matching)
    with pytest.raises(OSError, match="a reply that is not S3's, check endpoint_url") as caught:
        save(fs, f"{bucket.name}/a", content)
    assert (type(caught.value), caught.value.filename) == (OSError, f"{bucket.name}/a")
    assert versions(bucket) == []
    assert bucket.uploads() == []


@pytest.mark.parametrize("write", WRITES)
def test_who_has_stored_all_the_same_is_recognised(fs, bucket, proxy, write):
    content, matching = WRITES[write]
    proxy.fault("lose_reply", **matching)
    proxy.fault("answer", status=200, body="", **matching)  # of the repetition
    save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert bucket.get("a") == content
    assert bucket.uploads() == []


def test_who_may_not_look_is_told_that_the_name_is_taken(ministack, bucket, proxy):
    keys = ministack.user(allow("s3:PutObject", "s3:AbortMultipartUpload"))
    fs = filesystem_on(bucket, proxy, keys=keys)
    save(fs, f"{bucket.name}/a", SMALL, exclusive=True)
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", SMALL, exclusive=True)
    assert sent_to(proxy) == ["PUT", "PUT", "HEAD"]


@pytest.mark.parametrize("write", WRITES)
def test_a_name_that_is_taken_is_looked_at_once(fs, bucket, proxy, write):
    content, _ = WRITES[write]
    bucket.put("a", content)
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert sent_to(proxy).count("HEAD") == 1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_overwrites_survives_it_too(fs, bucket, proxy, write, loss):
    content, matching = WRITES[write]
    bucket.put("a", b"old")
    proxy.fault(loss, **matching)
    save(fs, f"{bucket.name}/a", content)
    assert bucket.get("a") == content
    assert bucket.uploads() == []


@pytest.mark.parametrize("write", WRITES)
def test_anothers_object_with_equal_bytes_is_not_taken_for_ours(fs, bucket, proxy, write):
    content, matching = WRITES[write]
    bucket.put("a", content, Metadata={"save-token": "anothers"})
    proxy.fault("lose_reply", **matching)  # that of a refusal
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert versions(bucket) == ["a"]
    assert bucket.uploads() == []


def test_an_object_that_another_put_in_its_place_is_not_taken_for_ours(fs, bucket, proxy):
    proxy.fault("lose_reply", method="PUT")
    proxy.fault("hold", method="PUT")  # its repetition
    with fs.open(f"{bucket.name}/a", "xb") as file:
        file.write(SMALL)

        def replace():
            until(lambda: proxy.held)
            bucket.put("a", SMALL)
            proxy.release()

        thread = threading.Thread(target=replace)
        thread.start()
        with pytest.raises(FileExistsError):
            file.close()
        thread.join()
    assert versions(bucket) == ["a", "a"]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_part_whose_reply_is_lost_is_sent_again(fs, bucket, proxy, loss):
    proxy.fault(loss, method="PUT", path="partNumber=2")
    save(fs, f"{bucket.name}/a", LARGE, exclusive=True)
    assert bucket.get("a") == LARGE
    assert bucket.uploads() == []


def test_customers_keys_come_along_when_it_is_recognised(s3_bucket, proxied, moto):
    bucket, proxy = s3_bucket(server=moto), proxied(moto)
    fs = filesystem_on(bucket, proxy)
    proxy.fault("lose_reply", method="PUT")
    save(
        fs, f"{bucket.name}/a", SMALL, exclusive=True, SSECustomerAlgorithm="AES256", SSECustomerKey="0" * 32
    )
    assert [r.method for r in proxy.requests] == ["PUT", "PUT", "HEAD"]
    assert proxy.requests[2].headers["x-amz-server-side-encryption-customer-algorithm"] == "AES256"


def test_the_projects_own_metadata_is_kept_beside_the_token(fs, bucket):
    save(fs, f"{bucket.name}/a", SMALL, Metadata={"by": "me"})
    save(fs, f"{bucket.name}/b", LARGE, Metadata={"by": "me"})
    metadata = [bucket.head(key)["Metadata"] for key in "ab"]
    assert [found["by"] for found in metadata] == ["me", "me"]
    assert metadata[0]["save-token"] != metadata[1]["save-token"]


def test_without_retries_the_error_is_told(bucket, proxy):
    fs = filesystem_on(bucket, proxy, config_kwargs={"retries": {"total_max_attempts": 1}})
    proxy.fault("lose_reply", method="PUT", times=2)  # the HTTP client has its own idea of retries
    with pytest.raises(ConnectionError) as caught:
        save(fs, f"{bucket.name}/a", SMALL, exclusive=True)
    assert caught.value.filename == f"{bucket.name}/a"
    assert proxy.address in str(caught.value)


def test_a_delete_whose_reply_is_lost_has_deleted(fs, bucket, proxy):
    bucket.put("a")
    proxy.fault("lose_reply", method="DELETE")
    fs.remove(f"{bucket.name}/a")
    assert bucket.head("a") is None


def test_the_faults_used_here_are_the_proxys():
    assert Fault("lose_reply", **COMPLETE).strikes("POST", "/b/a?uploadId=1")
    assert not Fault("lose_reply", **COMPLETE).strikes("POST", "/b/a?uploads")
