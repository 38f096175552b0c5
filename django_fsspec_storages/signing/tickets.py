"""What a backend gives to whoever may upload one object without passing through this server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["UploadTicket"]


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """A signed permission to upload one object. It is a secret until it expires: its ``repr`` shows no signature.

    ``dataclasses.asdict`` makes of it what Django's ``JsonResponse`` takes.

    :param name: what the storage calls the object once it is there.
    :param url: where to send it.
    :param method: ``"POST"`` sends a form of ``fields`` and then the file, ``"PUT"`` the file alone.
    :param headers: to send with it, with just these values.
    :param fields: of the form, in this order before the file; empty for ``"PUT"``.
    :param expires: aware; until when the upload may begin.
    """

    name: str
    url: str
    method: Literal["POST", "PUT"]
    headers: Mapping[str, str]
    fields: Mapping[str, str]
    expires: datetime

    def __repr__(self) -> str:
        url = self.url.partition("?")[0]
        return (
            f"UploadTicket(name={self.name!r}, method={self.method!r}, url={url!r}, expires={self.expires!r})"
        )
