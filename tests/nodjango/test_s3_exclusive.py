"""Exclusive creation on S3: decided by the server, one winner, and what happens where the server cannot decide."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on, save, sent_to
from tests.support.waiting import PATIENCE, at_once, until

SMALL = content_of(KILOBYTE)
LARGE = content_of(17 * MEGABYTE)

#: A conditional write, of a small body and of a multipart upload, as patterns of method and path.
WRITES = {"PUT": (SMALL, {"method": "PUT"}), "Complete": (LARGE, {"method": "POST", "path": r"\?uploadId="})}


@pytest.fixture
def fs(bucket, proxy):
    return filesystem_on(bucket, proxy)


@pytest.mark.parametrize("name", ["first", "second", "third"])
@pytest.mark.parametrize("size", [0, KILOBYTE])
def test_of_sixteen_who_want_one_name_one_gets_it(bucket, size, name):
    fs = filesystem_on(bucket)

    def attempt(number):
        content = content_of(size, number)
        save(fs, f"{bucket.name}/{name}", content, exclusive=True, Metadata={"by": str(number)})

    outcomes = at_once(16, attempt)
    (winner,) = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert {type(outcome) for outcome in outcomes} == {type(None), FileExistsError}
    assert bucket.get(name) == content_of(size, winner)
    assert bucket.head(name)["Metadata"]["by"] == str(winner)


@pytest.mark.parametrize("size", [0, 10, 17 * MEGABYTE])
def test_what_is_taken_is_refused_and_stays_as_it_is(fs, bucket, size):
    bucket.put("taken", b"old")
    with pytest.raises(FileExistsError) as caught:
        save(fs, f"{bucket.name}/taken", content_of(size), exclusive=True)
    assert isinstance(caught.value.__cause__, ClientError)
    assert caught.value.filename == f"{bucket.name}/taken"
    assert bucket.get("taken") == b"old"
    assert bucket.uploads() == []


def test_an_open_upload_does_not_take_the_name(fs, bucket):
    with fs.open(f"{bucket.name}/a", "xb") as first:
        first.write(LARGE)
        assert bucket.uploads() == ["a"]
        save(fs, f"{bucket.name}/a", SMALL, exclusive=True)
        with pytest.raises(FileExistsError):
            first.close()
    assert bucket.get("a") == SMALL
    assert bucket.uploads() == []


@pytest.mark.parametrize("server", ["ministack", "moto"])
@pytest.mark.parametrize("how", ["pipe_file", "put_file", "open"])
def test_every_way_to_create_is_exclusive(request, s3_bucket, tmp_path, server, how):
    bucket = s3_bucket(server=request.getfixturevalue(server))
    fs = filesystem_on(bucket)
    path = f"{bucket.name}/a"
    (tmp_path / "a").write_bytes(b"")

    def create():
        if how == "pipe_file":
            fs.pipe_file(path, b"", mode="create")
        elif how == "put_file":
            fs.put_file(str(tmp_path / "a"), path, mode="create")
        else:
            fs.open(path, "xb", ContentType="text/x-first").close()

    create()
    before = bucket.head("a")
    with pytest.raises(FileExistsError):
        create()
    assert {**bucket.head("a"), "ResponseMetadata": None} == {**before, "ResponseMetadata": None}
    if how == "open":
        assert before["ContentType"] == "text/x-first"


@pytest.mark.parametrize("write", WRITES)
def test_a_conflict_is_tried_again(fs, bucket, proxy, write):
    content, matching = WRITES[write]
    proxy.fault("answer", status=409, code="ConditionalRequestConflict", **matching)
    save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert bucket.get("a") == content
    tries = [r for r in proxy.requests if "if-none-match" in r.headers]
    assert [r.fault for r in tries] == ["answer", "none"]


@pytest.mark.parametrize("write", WRITES)
def test_a_conflict_without_end_is_a_name_that_is_taken(fs, bucket, proxy, write):
    content, matching = WRITES[write]
    proxy.fault("answer", status=409, code="ConditionalRequestConflict", times=None, **matching)
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", content, exclusive=True)
    proxy.mend()
    assert bucket.keys() == bucket.uploads() == []
    save(fs, f"{bucket.name}/a", content, exclusive=True)


def test_a_conflict_that_ended_the_upload_is_a_name_that_is_taken(fs, bucket, proxy):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html: then all is to be sent anew."""
    proxy.fault("answer", status=409, code="ConditionalRequestConflict", **WRITES["Complete"][1])
    proxy.fault("answer", status=404, code="NoSuchUpload", **WRITES["Complete"][1])
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", LARGE, exclusive=True)
    assert bucket.uploads() == []


def test_an_upload_that_others_ended_is_no_missing_file(fs, bucket, ministack):
    file = fs.open(f"{bucket.name}/a", "wb")
    file.write(LARGE)
    bucket.empty()
    with pytest.raises(OSError, match="aborted meanwhile, by a lifecycle rule") as caught:
        file.close()
    assert type(caught.value) is OSError


@pytest.mark.parametrize("write", WRITES)
def test_a_refusal_without_amazons_words_is_one_too(fs, bucket, proxy, write):
    content, matching = WRITES[write]
    proxy.fault("answer", status=412, code="Whatever", **matching)
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert bucket.keys() == bucket.uploads() == []


def unable(proxy, write):
    """Let the server know no conditional write once: the pattern cannot tell it from another."""
    proxy.fault("answer", status=501, code="NotImplemented", **WRITES[write][1])


@pytest.mark.parametrize("write", WRITES)
def test_where_the_server_cannot_decide_names_are_checked_from_then_on(fs, bucket, proxy, caplog, write):
    content, _ = WRITES[write]
    unable(proxy, write)
    save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert bucket.get("a") == content
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", content, exclusive=True)
    proxy.forget()
    save(fs, f"{bucket.name}/b", SMALL, exclusive=True)
    assert sent_to(proxy) == ["HEAD", "PUT"]
    assert "if-none-match" not in proxy.requests[1].headers
    assert caplog.text.count("knows no conditional writes") == 1
    assert "exclusive_create=False" in caplog.text
    assert bucket.uploads() == []


def test_many_who_learn_at_once_that_it_cannot_warn_once(fs, bucket, proxy, caplog):
    for number in range(4):
        proxy.fault("answer", method="PUT", path=f"/{number}", status=501, code="NotImplemented", held=True)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(at_once, 4, lambda n: save(fs, f"{bucket.name}/{n}", SMALL, exclusive=True))
        until(lambda: proxy.held == 4)  # all have asked before the first is answered
        proxy.release()
        assert asking.result(PATIENCE) == [None] * 4
    assert caplog.text.count("knows no conditional writes") == 1


def test_copies_of_a_filesystem_learn_together(fs, bucket, proxy):
    unable(proxy, "PUT")
    save(fs, f"{bucket.name}/a", SMALL, exclusive=True)
    proxy.forget()
    save(fs.with_parameters({"CacheControl": "no-store"}), f"{bucket.name}/b", SMALL, exclusive=True)
    assert sent_to(proxy) == ["HEAD", "PUT"]


def test_a_project_that_insists_on_the_server_gets_its_refusal(bucket, proxy):
    fs = filesystem_on(bucket, proxy, exclusive_create=True)
    unable(proxy, "PUT")
    with pytest.raises(OSError, match="if that is the condition, set exclusive_create=False") as caught:
        save(fs, f"{bucket.name}/a", SMALL, exclusive=True)
    assert caught.value.__cause__.response["Error"]["Code"] == "NotImplemented"
    assert bucket.keys() == []


@pytest.mark.parametrize("content", [b"", SMALL, LARGE], ids=len)
def test_a_project_that_wants_no_conditions_gets_a_check_first(bucket, proxy, caplog, content):
    fs = filesystem_on(bucket, proxy, exclusive_create=False)
    save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert not [r for r in proxy.requests if "if-none-match" in r.headers]
    assert "HEAD" in sent_to(proxy)
    with pytest.raises(FileExistsError):
        save(fs, f"{bucket.name}/a", content, exclusive=True)
    assert bucket.uploads() == []
    ours = [record for record in caplog.records if record.name.startswith("django_fsspec_storages")]
    assert [record for record in ours if record.levelno >= logging.WARNING] == []


def test_the_check_first_brings_the_customers_key(s3_bucket, moto, proxied):
    bucket, proxy = s3_bucket(server=moto), proxied(moto)
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
    fs = filesystem_on(bucket, proxy, exclusive_create=False)
    save(fs, f"{bucket.name}/a", SMALL, exclusive=True, **key)
    assert ["x-amz-server-side-encryption-customer-key" in r.headers for r in proxy.requests] == [True, True]


def test_writes_that_overwrite_carry_no_condition(fs, bucket, proxy):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: save(fs, f"{bucket.name}/a", content_of(KILOBYTE, n)), range(8)))
    assert not [r for r in proxy.requests if "if-none-match" in r.headers]
    assert len(proxy.requests) == 8
