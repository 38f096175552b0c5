"""Which encodings the names on an FTP server can be in. Imports no ftplib: the options are checked by it."""

from __future__ import annotations

import codecs

__all__ = ["encoding_fault"]

#: What commands are made of. At the end is what encodings make more of in which ASCII bytes may be parts of other
#: characters, a slash among them.
_PLAIN = bytes(range(128)) + b"\\u0041\x1b"


def encoding_fault(encoding: str) -> str | None:
    """Return what is wrong with an encoding of names, as the end of a sentence; None if nothing is."""
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):  # ValueError: it is not even a name
        return "is no encoding that Python knows"
    plain = _PLAIN.decode("ascii")
    try:
        if plain.encode(encoding) == _PLAIN and _PLAIN.decode(encoding) == plain:
            return None
    except (LookupError, UnicodeError):  # LookupError: of bytes, and not of text
        pass
    return "is no encoding that names on an FTP server can be in: it does not leave ASCII as it is"
