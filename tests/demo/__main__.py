"""The demo site.

::

    python -m tests.demo           serves it on a free port of this machine until Ctrl-C
    python -m tests.demo --check   drives its pages without a browser and tells what works
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tempfile
from typing import Any

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.demo", description="A Django site on FsspecStorage."
    )
    parser.add_argument("--check", action="store_true", help="drive the pages without a browser, and end")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fsspec-demo-") as folder:
        _set_up(folder)
        try:
            return _check() if options.check else _serve(folder)
        finally:
            from django.db import connections

            connections.close_all()


def _set_up(folder: str) -> None:
    os.environ["DEMO_FOLDER"] = folder
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.demo.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("check", fail_level="WARNING", stdout=io.StringIO())
    call_command("migrate", run_syncdb=True, verbosity=0)


def _check() -> int:
    import logging

    from tests.demo.check import check

    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # a refusal that is expected is no news
    return check()


def _serve(folder: str) -> int:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    _fill()
    signal.signal(signal.SIGTERM, _stop)
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    print(f"The demo is at http://127.0.0.1:{server.server_port}/ - stop it with Ctrl-C.", flush=True)
    print(f"Its files are in {folder} until then.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        for number in (
            signal.SIGINT,
            signal.SIGTERM,
        ):  # tox passes on the one that the terminal has sent already
            signal.signal(number, signal.SIG_IGN)
        print("\nStopped.", flush=True)
    finally:
        server.server_close()
    return 0


def _stop(*signalled: Any) -> None:
    raise KeyboardInterrupt


def _fill() -> None:
    """Put something on the pages to begin with."""
    from django.core.files.base import ContentFile

    from tests.demo import samples
    from tests.demo.models import Document, Picture

    for title, hour in (("Morning", 0.2), ("Noon", 0.5), ("Evening", 0.85)):
        image = ContentFile(samples.landscape(640, 480, hour), f"{title.lower()}.png")
        Picture.objects.create(title=title, image=image)
    Document.objects.create(file=ContentFile(samples.table(), "cities.csv"))


if __name__ == "__main__":
    sys.exit(main())
