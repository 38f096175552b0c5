"""moto's server: the shapes of AWS's answers and ACLs; it verifies no signature, so any key will do.

Its ``If-None-Match: *`` looks and then writes, in threads: two requests now and then both find the name free (8 of 300
rounds of 16, when threads are switched every 10 µs). AWS's does both in one step, so the script holds a lock meanwhile.
"""

from __future__ import annotations

import sys

from tests.servers.s3 import S3Server

__all__ = ["Moto"]

_SCRIPT = """
import functools, logging, threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.responses import S3Response
from werkzeug.serving import make_server
logging.getLogger("werkzeug").setLevel(logging.WARNING)
lock = threading.RLock()
def in_one_step(function):
    @functools.wraps(function)
    def locked(*args, **kwargs):
        with lock:
            return function(*args, **kwargs)
    return locked
for name in ("put_object", "_key_response_post"):  # the body has been read by then
    setattr(S3Response, name, in_one_step(getattr(S3Response, name)))
app = DomainDispatcherApplication(create_backend_app)
def once(environ, start):  # moto and werkzeug each send a Server header, which strict clients refuse
    def begin(status, headers, *rest):
        return start(status, [header for header in headers if header[0].lower() != "server"], *rest)
    return app(environ, begin)
make_server(
    "127.0.0.1", 0, once, threaded=True, request_handler=MotoRequestHandler, fd=int(sys.argv[1])
).serve_forever()
"""


class Moto(S3Server):
    """An account of its own in memory, in a process of its own: tests count threads and interrupt lines."""

    def __init__(self) -> None:
        super().__init__(sys.executable, _SCRIPT)

    def start(self, path: str = "/moto-api/") -> None:
        """Start the server."""
        super().start(path)
