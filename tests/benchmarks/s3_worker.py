"""What a worker is told of S3 alone.

``python -m tests.benchmarks.s3_worker PACKAGE``, where the package has ``backends.s3``.
"""

from __future__ import annotations

import gc
import http.client
import sys
import threading
import time
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.measuring import resident, set_up
from tests.benchmarks.worker import WORK, StorageWorker

__all__ = ["main"]

#: What counts as a provider's SDK.
_SDKS = ("aiobotocore", "aiohttp", "boto3", "botocore", "s3fs", "s3transfer", "urllib3")


def main() -> None:
    """Obey until there are no more commands."""
    S3Worker(sys.argv[1]).obey()


class S3Worker(StorageWorker):
    """See the methods that begin with ``do_``."""

    def __init__(self, package: str) -> None:
        super().__init__()
        self.work = {**WORK, "middle": _middle, "middle_stream": _middle_stream, "urls": _urls}
        self._package = package
        self._options: dict[str, Any] = {}

    def do_start(self, options: dict[str, Any]) -> dict[str, Any]:
        """Import and construct; return the CPU seconds of that, above Django's and fsspec's, and the SDKs imported."""
        from django.contrib.staticfiles.storage import StaticFilesStorage  # noqa: F401

        if self._package == "django_fsspec_storages":
            import fsspec  # noqa: F401
        set_up()
        began = time.process_time()
        storage_class = import_module(f"{self._package}.backends.s3").S3Storage
        self._options, self.storage = options, storage_class(**options)
        cpu = time.process_time() - began
        return {"cpu": cpu, "sdks": [name for name in _SDKS if name in sys.modules]}

    def do_threads(self, count: int, plain: bool) -> dict[str, Any]:
        """Have new threads ask for a file once each; return what memory they add, and the SDK's clients and sessions.

        :param plain: they ask over a socket of their own instead, without any storage.
        """
        asked, end = threading.Barrier(count + 1), threading.Event()

        def ask() -> None:
            connection = http.client.HTTPConnection(urlsplit(self._options["endpoint_url"]).netloc)
            if plain:
                connection.request("HEAD", f"/{self._options['bucket_name']}/missing")
                connection.getresponse().read()
            else:
                self.storage.exists("missing")
            asked.wait()
            end.wait()
            connection.close()

        gc.collect()
        before = resident()
        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        asked.wait()
        after, made = resident(), _made()
        end.set()
        for thread in threads:
            thread.join()
        return {"memory": after - before, **made}


def _made() -> dict[str, int]:
    """Count the SDK's clients and sessions of this process."""
    counts = {"clients": 0, "sessions": 0}
    botocore = sys.modules.get("botocore")
    if botocore is not None:
        client, session = sys.modules["botocore.client"].BaseClient, sys.modules["botocore.session"].Session
        for found in gc.get_objects():
            kind = type(found)
            counts["clients"] += issubclass(kind, client)
            counts["sessions"] += issubclass(kind, session)
    return counts


def _middle(storage: Any, name: str, start: int, length: int) -> int:
    with storage.open(name) as file:
        file.seek(start)
        return len(file.read(length))


def _middle_stream(storage: Any, name: str, start: int, length: int) -> int:
    with storage.open_stream(name, start, length) as stream:
        return sum(map(len, stream))


def _urls(storage: Any, calls: int) -> str:
    url = ""
    for number in range(calls):
        url = storage.url(f"media/photos/2026/picture-{number}.jpg")
    return str(url)


if __name__ == "__main__":
    main()
