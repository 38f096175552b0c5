"""The one URL in which django-storages has everything that it knows of an FTP server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from django.views.decorators.debug import sensitive_variables

__all__ = ["Address", "address_fault", "address_of"]

#: Scheme: whether the data connections are active, and whether there is TLS. ``ftpes`` is what other programs call it.
_SCHEMES = {
    "ftp": (False, False),
    "aftp": (True, False),
    "ftps": (False, True),
    "aftps": (True, True),
    "ftpes": (False, True),
}

_HOST = r"(?P<host>\[[^]/]+\]|[^/:@\[\]]+)"
#: As URLs are read, first (RFC 3986, 3.2): the first slash ends the host, so none that a path names gets the password.
#: Then, for a password with a slash, with a port first, as django-storages demands one.
_FORMS = tuple(
    re.compile(rf"(?:(?P<login>{login})@)?{_HOST}{port}(?P<path>/.*)?", re.DOTALL)
    for login in (r"[^/]*?", r".*?")
    for port in (r":(?P<port>\d{1,5})", r"(?P<port>)")
)

#: What could be the server's place in a path: the host before it is then a part of a password.
_ANOTHER = re.compile(r"@(\[[^\]/]+\]|[^/:@\[\]]+):\d{1,5}(/|$)")


@dataclass(frozen=True)
class Address:
    """What a location says.

    :param port: None: the usual one.
    :param path: of the folder; without a slash at its beginning it is below the folder of the login.
    """

    host: str
    port: int | None
    username: str | None
    password: str | None = field(repr=False)
    active: bool
    tls: bool
    path: str


@sensitive_variables()
@lru_cache(maxsize=64)
def address_of(location: str) -> Address:
    """Return what ``scheme://user:password@host:port/path`` says.

    User and password may be URL-encoded. ``/path`` is below the folder of the login and ``//path`` is not; ``/`` alone
    is the root of the server, and nothing the folder of the login: all as django-storages has it.

    :raises ValueError: says what is wrong with it, and nothing that is in it.
    """
    scheme, separator, rest = location.partition("://")
    if not separator:
        raise ValueError("is no URL: it is of the form ftp://user:password@host:port/path")
    if scheme.lower() not in _SCHEMES:
        raise ValueError(f"begins with none of {', '.join(f'{name}://' for name in _SCHEMES)}")
    found = next((match for form in _FORMS if (match := form.fullmatch(rest))), None)
    if found is None:
        raise ValueError("is not of the form ftp://user:password@host:port/path; URL-encode what is special")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 2**16:
        raise ValueError(f"has the port {port}, which is none")
    active, tls = _SCHEMES[scheme.lower()]
    username, colon, password = (found["login"] or "").partition(":")
    username, password = unquote(username), unquote(password)
    if re.search(r"[\r\n]", rest + username + password):
        raise ValueError(
            "has the end of a line in it, perhaps encoded as %0A or %0D: FTP's commands are lines"
        )
    path = found["path"] or ""
    if _ANOTHER.search(path) and not (found["login"] and port):
        raise ValueError(
            "may mean either of two hosts: URL-encode what is special in user and password (/ is %2F, @ is %40, : is "
            "%3A), or give user, password and port before the path"
        )
    return Address(
        found["host"].strip("[]"),
        port,
        username or None,
        password if colon else None,
        active,
        tls,
        path if path == "/" else path.removeprefix("/"),
    )


def address_fault(location: str) -> str | None:
    """Return what is wrong with a location, as the end of a sentence; None if nothing is."""
    try:
        address_of(location)
    except ValueError as error:
        return str(error)
    return None
