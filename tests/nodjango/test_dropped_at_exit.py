"""What becomes of a file on a server that a process drops as its last deed, or leaves open: its abort is waited for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers.ftp import FTPServer
from tests.servers.sftp import SFTPServer
from tests.support.fixtures import each_of
from tests.support.processes import python

OPENED = """
import json, sys, warnings
from django_fsspec_storages.filesystems import get_filesystem, uploads
uploads.PATIENCE_AT_EXIT = 120  # a busy machine needs longer than most would wait for it
filesystem = get_filesystem(sys.argv[1], json.loads(sys.argv[2]))
warnings.simplefilter("ignore", ResourceWarning)
file = filesystem.open(sys.argv[3], "wb")
file.write(b"1" * 3_000_000)
"""

TIMES = 3

server = each_of("sftp_server", "ftp_server")


@pytest.mark.parametrize("last", ["del file", "pass"])
@pytest.mark.parametrize("again", range(TIMES))
def test_a_file_that_is_unfinished_at_the_very_end_leaves_nothing(
    server: SFTPServer | FTPServer, tmp_path: Path, last: str, again: int
) -> None:
    options: dict[str, Any] = server.options()
    if isinstance(server, SFTPServer):
        protocol, folder = "sftp", server.folder(tmp_path.name)
    else:
        protocol, folder = "ftp", server.make_folder(tmp_path.name)
    done = python(OPENED + last, protocol, json.dumps(options, default=str), f"/{tmp_path.name}/a")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Traceback" not in done.stderr  # asyncio in development mode may tell there that it was slow
    assert list(folder.iterdir()) == []
