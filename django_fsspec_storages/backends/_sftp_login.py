"""Asking for a password: only of somebody who sits at a terminal and runs a management command."""

from __future__ import annotations

import sys
from getpass import getpass
from types import FrameType

from django.core.handlers.base import BaseHandler
from django.core.management.base import BaseCommand

__all__ = ["ask", "somebody_is_there"]

_COMMAND = BaseCommand.execute.__code__
_REQUESTS = frozenset({BaseHandler.get_response.__code__, BaseHandler.get_response_async.__code__})


def somebody_is_there() -> bool:
    """Tell whether there is anybody to ask: this thread runs a management command, at a terminal, and no request.

    ``runserver`` is such a command too, and answers requests of people who have no terminal.
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return False
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code in _REQUESTS:
            return False
        if frame.f_code is _COMMAND:
            return True
        frame = frame.f_back
    return False


def ask(user: str, host: str) -> str:
    """Return the password that is typed at the terminal; it is not shown there."""
    return getpass(f"Password of {user}@{host} (SFTP): " if user else f"Password for {host} (SFTP): ")
