"""Under gevent the filesystem's loop can never run beside its caller: a clear error, and no hanging."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import python

SCRIPT = """
import os
from gevent import monkey
monkey.patch_all({patched})
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
filesystem = CoroutineMemoryFileSystem("gevent", skip_instance_cache=True)
try:
    {use}
except RuntimeError as error:
    print(error, flush=True)
os._exit(0)  # what is half patched does not end in good order
"""

USES = {
    "inspect": "filesystem.inspect('a')",
    "read": "filesystem.open('a', 'rb')",
    "write": "filesystem.open('a', 'wb')",
    "scan": "next(iter(filesystem.scan('a')))",
}


@pytest.mark.parametrize("patched", ["", "thread=False"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_under_gevent_the_first_use_says_what_is_wrong(use: str, patched: str) -> None:
    ended = python(SCRIPT.format(patched=patched, use=use))
    assert "gevent" in ended.stdout, ended.stderr
    assert "gthread" in ended.stdout


@pytest.mark.parametrize(
    "options", ["'http'", "'dir', {'path': 'http://127.0.0.1/x', 'target_protocol': 'http'}"]
)
def test_a_foreign_filesystem_of_coroutines_says_so_too(options: str) -> None:
    ended = python(
        "from gevent import monkey\nmonkey.patch_all()\n"
        "from django_fsspec_storages.filesystems import get_filesystem\n"
        f"try:\n    get_filesystem({options})\nexcept RuntimeError as error:\n    print(error, flush=True)\n"
    )
    assert "This filesystem runs on an asyncio loop" in ended.stdout, ended.stderr


def test_gevent_that_leaves_threads_and_selectors_alone_is_no_obstacle() -> None:
    use = "filesystem.pipe_file('a', b'1'); print(filesystem.inspect('a').size, flush=True)"
    ended = python(SCRIPT.format(patched="thread=False, select=False", use=use))
    assert (ended.stdout, ended.returncode) == ("1\n", 0), ended.stderr


def test_plain_filesystems_work_under_gevent(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom gevent import monkey\nmonkey.patch_all()\n"
        "from django_fsspec_storages.filesystems import get_filesystem\n"
        "with get_filesystem('file').open(sys.argv[1], 'wb') as file:\n    file.write(b'1')\n"
        "print(get_filesystem('file').open(sys.argv[1]).read())"
    )
    ended = python(script, tmp_path / "a")
    assert (ended.stdout, ended.returncode) == ("b'1'\n", 0), ended.stderr
