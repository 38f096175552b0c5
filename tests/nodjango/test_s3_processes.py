"""S3 and processes: one that is killed, one that forks, one that ends; and what travels from one to another."""

from __future__ import annotations

import gc
import json
import pickle
import signal
from typing import Any

import pytest
from aiohttp import ClientSession

from django_fsspec_storages.filesystems import get_filesystem
from tests.nodjango.s3_support import KEPT, KILOBYTE, MEGABYTE, content_of, filesystem_on, save
from tests.support.filesystems import filesystem_for
from tests.support.processes import in_child, python, running
from tests.support.waiting import collected, until

SMALL = content_of(KILOBYTE)

_OPEN = """
import atexit, json, sys
from django_fsspec_storages.filesystems import s3_closing, uploads
from django_fsspec_storages.filesystems.s3 import S3FileSystem
s3_closing._PATIENCE = uploads.PATIENCE_AT_EXIT = 120  # a busy machine needs longer than most would wait for it
options, path, how = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
fs = S3FileSystem(**options, skip_instance_cache=True)
"""

#: Writes half a file, says so, and waits.
HALF = (
    _OPEN
    + """
file = fs.open(path, "wb")
file.write(bytes(20 * 2**20))
print("half", flush=True)
sys.stdin.read()
"""
)

#: Ends in one of several ways, without a word.
ENDS = (
    _OPEN
    + """
fs.pipe_file(path, b"x" * 100_000)
assert fs.cat_file(path) == b"x" * 100_000
if how == "a download":
    download = fs.begin_read(path)
elif how == "a download that only the collector finds":
    knot = [fs.begin_read(path)]
    knot.append(knot)
elif how == "a reader":
    file = fs.open(path)
    file.read(10)
elif how == "an upload":
    file = fs.open(path + ".open", "wb")
    file.write(bytes(20 * 2**20))
elif how == "a save at the end":
    @atexit.register  # when there are no more threads
    def save():
        with fs.open(path, "wb") as file:
            file.write(bytes(9 * 2**20))
elif how == "two clients":
    fs.connect(refresh=True)
    fs.inspect(path)
elif how == "an error":
    raise SystemExit(3)
"""
)


def options_of(fs: Any) -> str:
    return json.dumps(dict(fs.storage_options))


def test_the_upload_of_a_killed_process_is_found_and_discarded(bucket):
    fs = filesystem_on(bucket)
    bucket.put("folder/a", b"old")
    with running(HALF, options_of(fs), f"{bucket.name}/folder/a", "") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert bucket.get("folder/a") == b"old"
    (found,) = fs.leftovers(bucket.name)
    assert (found.path, found.type) == (f"{bucket.name}/folder/a", "other")
    assert found.modified is not None
    assert [facts.path for facts in fs.leftovers(f"{bucket.name}/folder")] == [found.path]
    assert list(fs.leftovers(f"{bucket.name}/fold")) == []

    save(fs, f"{bucket.name}/folder/a", b"new")  # it blocks nobody
    fs.discard(found)
    assert bucket.uploads() == []
    fs.discard(found)
    assert list(fs.leftovers(bucket.name)) == []
    assert bucket.get("folder/a") == b"new"


def test_leftovers_come_in_pages(bucket, ministack):
    for number in range(1001):
        ministack.admin.create_multipart_upload(Bucket=bucket.name, Key=f"{number:04}")
    assert len({facts.path for facts in filesystem_on(bucket).leftovers(bucket.name)}) == 1001


@pytest.mark.parametrize(
    "how",
    [
        "nothing open",
        "a download",
        "a download that only the collector finds",
        "a reader",
        "an upload",
        "a save at the end",
        "two clients",
    ],
)
def test_a_process_ends_without_a_word_and_leaves_nothing_open(bucket, how):
    done = python(ENDS, options_of(filesystem_on(bucket)), f"{bucket.name}/a", how)
    said = [
        line for line in done.stderr.splitlines() if not line.startswith("Executing <")
    ]  # slow: busy machines
    if how == "an upload":
        said = [line for line in said if "unclosed file" not in line and "ResourceWarning" not in line]
    assert said == []
    assert done.returncode == 0
    assert bucket.keys() == ["a"]
    assert bucket.uploads() == []


def test_a_process_that_fails_ends_as_it_wants_to(bucket):
    done = python(ENDS, options_of(filesystem_on(bucket)), f"{bucket.name}/a", "an error")
    assert done.returncode == 3


@pytest.mark.parametrize("which", ["new", "old", "of the registry"])
def test_a_forked_child_uses_connections_of_its_own(bucket, proxied, which):
    proxy = proxied()
    made = filesystem_on(bucket, proxy, config_kwargs=KEPT)
    options = made.storage_options
    fs = get_filesystem("s3", options) if which == "of the registry" else made
    path = f"{bucket.name}/a"
    save(fs, path, SMALL)
    before = {request.connection for request in proxy.requests}
    proxy.forget()

    def work() -> None:
        mine = {"new": lambda: filesystem_on(bucket, proxy), "old": lambda: fs}.get(
            which, lambda: get_filesystem("s3", options)
        )()
        assert mine.cat_file(path) == SMALL
        assert mine.ls(bucket.name, detail=False) == [path]
        save(mine, path + ".child", SMALL)

    assert in_child(work) == 0
    assert before.isdisjoint({request.connection for request in proxy.requests})
    proxy.forget()
    assert fs.cat_file(path + ".child") == SMALL
    assert {request.connection for request in proxy.requests} <= before  # nobody closed them


def test_a_child_that_does_nothing_ends(bucket):
    fs = filesystem_on(bucket)
    save(fs, f"{bucket.name}/a", SMALL)
    writer = fs.open(f"{bucket.name}/b", "wb")
    writer.write(content_of(20 * MEGABYTE))
    assert in_child(lambda: None) == 0
    writer.close()
    assert bucket.get("b") == content_of(20 * MEGABYTE)


def test_a_file_opened_before_a_fork_belongs_to_the_parent(bucket):
    fs = filesystem_on(bucket)
    save(fs, f"{bucket.name}/a", content_of(9 * MEGABYTE))
    with fs.open(f"{bucket.name}/a") as file:
        file.read(10)

        def work() -> None:
            with pytest.raises(ValueError, match="before a fork"):
                file.seek(8 * MEGABYTE)
                file.read(10)

        assert in_child(work) == 0
        file.seek(8 * MEGABYTE)
        assert file.read() == content_of(9 * MEGABYTE)[8 * MEGABYTE :]


def sessions() -> list[Any]:
    """Return the SDK's HTTP sessions that are open."""
    return [found for found in gc.get_objects() if type(found) is ClientSession and not found.closed]


def test_a_filesystem_that_is_dropped_closes_its_connections(bucket):
    fs = filesystem_on(bucket)
    before = sessions()
    save(fs, f"{bucket.name}/a", SMALL)
    mine = [session for session in sessions() if session not in before]
    assert mine
    copy = fs.with_parameters({"CacheControl": "no-store"})
    del fs
    gc.collect()
    assert copy.cat_file(f"{bucket.name}/a") == SMALL  # it has the same
    del copy
    collected(lambda: all(session.closed for session in mine))


def test_a_filesystem_that_the_registry_lets_go_of_closes_its_connections(bucket, monkeypatch):
    monkeypatch.setattr("django_fsspec_storages.filesystems.registry.CAPACITY", 1)
    options = filesystem_on(bucket).storage_options
    before = sessions()
    save(filesystem_for("s3", options), f"{bucket.name}/a", SMALL)
    mine = [session for session in sessions() if session not in before]
    assert mine
    assert filesystem_for("s3", options).cat_file(f"{bucket.name}/a") == SMALL
    assert not any(session.closed for session in mine)
    filesystem_for("s3", {**options, "max_concurrency": 3})
    collected(lambda: all(session.closed for session in mine))


def test_dropping_a_filesystem_needs_no_garbage_collector(bucket):
    before = sessions()
    fs = filesystem_on(bucket)
    save(fs, f"{bucket.name}/a", SMALL)
    mine = [session for session in sessions() if session not in before]
    assert mine
    gc.disable()
    try:
        del fs
        until(lambda: all(session.closed for session in mine))
    finally:
        gc.enable()


def test_a_pickle_keeps_parameters(bucket):
    fs = filesystem_on(
        bucket, exclusive_create=False, part_size=5 * MEGABYTE, max_concurrency=3, create_bucket={}
    )
    copy = fs.with_parameters({"CacheControl": "no-store"})
    again = pickle.loads(pickle.dumps(copy))
    try:
        save(again, f"{bucket.name}/a", SMALL)
    finally:
        type(again).clear_instance_cache()
    assert bucket.head("a")["CacheControl"] == "no-store"
    for name in (
        "exclusive_create",
        "part_size",
        "max_concurrency",
        "s3_additional_kwargs",
        "storage_options",
    ):
        assert getattr(again, name) == getattr(copy, name)
    assert fs.s3_additional_kwargs == {}


def test_filesystems_are_equal_only_with_equal_parameters(bucket):
    fs = filesystem_on(bucket)
    one, two = fs.with_parameters({"CacheControl": "a"}), fs.with_parameters({"CacheControl": "b"})
    assert len({fs, one, two, fs.with_parameters({"CacheControl": "a"})}) == 3
    assert one == fs.with_parameters({"CacheControl": "a"})
    assert one.with_parameters({"CacheControl": "a"}) is one


def test_dask_reads_with_the_parameters_it_was_given(s3_bucket, moto):
    dask = pytest.importorskip("dask")
    bucket = s3_bucket(server=moto)
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
    fs = filesystem_on(bucket).with_parameters(key)
    save(fs, f"{bucket.name}/a", SMALL)

    def read(filesystem: Any, path: str) -> bytes:
        return bytes(pickle.loads(pickle.dumps(filesystem)).cat_file(path))

    try:
        assert dask.compute(dask.delayed(read)(fs, f"{bucket.name}/a"), scheduler="threads") == (SMALL,)
    finally:
        type(fs).clear_instance_cache()
