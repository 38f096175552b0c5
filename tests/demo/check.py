"""``python -m tests.demo --check``: every page, driven by Django's test client, each step printed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.demo import samples
from tests.demo.models import Document, Picture
from tests.demo.views import LINK_SECONDS

__all__ = ["check"]


class Failed(Exception):
    """A page did not do what it should."""


def check() -> int:
    """Return the exit code: 0 if every page does what it should."""
    visitor = Visitor()
    steps = [_upload, _same_name, _not_an_image, _replace, _delete, _private, _table, _forget, _nothing_left]
    for step in steps:
        try:
            step(visitor)
        except Exception as error:
            print(f"FAILED  {step.__doc__}: {error!r}")
            return 1
        print(f"ok      {step.__doc__}")
    print(f"{len(steps)} steps, all good.")
    return 0


class Visitor:
    """A browser: it reads a page, and sends its form with the token that the page has given."""

    def __init__(self) -> None:
        self._client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")

    def get(self, path: str, status: int = 200) -> Any:
        """Fetch a page and its body."""
        response = self._client.get(path)
        expect(response.status_code == status, f"GET {path}: {response.status_code}, not {status}")
        with closing(response):
            body = b"".join(response) if response.streaming else response.content
        response.body = body  # type: ignore[attr-defined]
        return response

    def post(self, page: str, action: str | None = None, **data: Any) -> Any:
        """Send the form of a page."""
        self.get(page)
        token = self._client.cookies["csrftoken"].value
        return self._client.post(action or page, data, headers={"X-CSRFToken": token})

    def submit(self, page: str, action: str | None = None, **data: Any) -> None:
        """Send the form of a page and expect it to be accepted."""
        response = self.post(page, action, **data)
        expect(response.status_code == 302, f"POST {action or page}: {response.status_code}, not a redirect")


@contextmanager
def closing(response: Any) -> Iterator[None]:
    """Close a response at the end, as a server does."""
    try:
        yield
    finally:
        response.close()


def expect(condition: object, otherwise: str) -> None:
    """Fail with what is wrong unless the condition holds."""
    if not condition:
        raise Failed(otherwise)


def _image(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def _pictures() -> list[str]:
    """List the folder on the disk: the storage would leave unfinished uploads out."""
    folder = Path(default_storage.path("pictures"))
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def _upload(visitor: Visitor) -> None:
    """an uploaded picture is in the gallery, and its address serves the same bytes"""
    content = samples.landscape(320, 240, 0.3)
    visitor.submit("/", title="Morning", image=_image("hills.png", content))
    (picture,) = Picture.objects.all()
    page = visitor.get("/").body.decode()
    expect("Morning" in page and "320 \u00d7 240" in page, "the gallery does not show it")
    expect(f'src="{picture.image.url}"' in page, f"the gallery has no <img> at {picture.image.url}")
    served = visitor.get(picture.image.url)
    expect(served.body == content, "its address serves other bytes")
    expect(served["Content-Type"] == "image/png", f"it is served as {served['Content-Type']}")


def _same_name(visitor: Visitor) -> None:
    """a second file of the same name gets another, and the first one stays as it was"""
    first = Picture.objects.get()
    visitor.submit("/", title="Evening", image=_image("hills.png", samples.landscape(200, 150, 0.8)))
    expect(len(_pictures()) == 2, f"there are {_pictures()}")
    second = Picture.objects.exclude(pk=first.pk).get()
    expect(
        re.fullmatch(r"pictures/hills_\w{7}\.png", str(second.image.name)),
        f"it is called {second.image.name}",
    )
    expect(visitor.get(first.image.url).body == samples.landscape(320, 240, 0.3), "the first has changed")


def _not_an_image(visitor: Visitor) -> None:
    """what is no image is refused, and nothing of it is stored"""
    before = _pictures()
    response = visitor.post("/", title="Nonsense", image=_image("nonsense.png", b"no image at all"))
    expect(response.status_code == 200, f"the answer is {response.status_code}, not the form")
    expect("errorlist" in response.content.decode(), "the form does not say what is wrong")
    expect(_pictures() == before, f"there are {_pictures()}")


def _replace(visitor: Visitor) -> None:
    """a replaced picture has its new size and file, and the old file is gone"""
    picture = Picture.objects.get(title="Morning")
    old = str(picture.image.name)
    content = samples.landscape(400, 100, 0.5)
    visitor.submit(f"/pictures/{picture.pk}/", image=_image("wide.png", content))
    picture.refresh_from_db()
    expect(
        "400 \u00d7 100" in visitor.get(f"/pictures/{picture.pk}/").body.decode(), "its page has the old size"
    )
    expect(visitor.get(picture.image.url).body == content, "its address serves other bytes")
    expect(not default_storage.exists(old), f"{old} is still there")


def _delete(visitor: Visitor) -> None:
    """deleted pictures are gone from the gallery and from the disk"""
    for picture in Picture.objects.all():
        visitor.submit(f"/pictures/{picture.pk}/", f"/pictures/{picture.pk}/delete/")
        visitor.get(picture.image.url, status=404)
    expect("No pictures yet" in visitor.get("/").body.decode(), "the gallery is not empty")
    expect(_pictures() == [], f"there are {_pictures()}")


def _link(visitor: Visitor) -> str:
    page = visitor.get("/documents/").body.decode()
    found = re.search(r'href="(/private/[^"]+)"', page)
    if found is None:
        raise Failed("the documents have no private link")
    return found[1]


def _private(visitor: Visitor) -> None:
    """a private document streams through its signed link, and through no other"""
    content = samples.table()
    visitor.submit("/documents/", file=SimpleUploadedFile("cities.csv", content, "text/csv"))
    link = _link(visitor)
    response = visitor.get(link)
    expect(response.streaming, "it is not streamed")
    expect(response.body == content, "the link serves other bytes")
    expect(response["Content-Length"] == str(len(content)), f"its length is {response['Content-Length']}")
    expect("cities.csv" in response["Content-Disposition"], "the download has no name")
    visitor.get(f"/media/{Document.objects.get().file.name}", status=404)
    visitor.get(link[:-2] + ("A" if link[-2] != "A" else "B") + "/", status=403)
    with mock.patch("time.time", return_value=time.time() + LINK_SECONDS + 1):
        visitor.get(link, status=403)


def _table(visitor: Visitor) -> None:
    """pandas shows a csv document as a table, from djstorage://"""
    visitor.submit("/documents/", file=SimpleUploadedFile("empty.csv", b" ", "text/csv"))
    page = visitor.get(
        f"/documents/{Document.objects.get(file__endswith='cities.csv').pk}/table/"
    ).body.decode()
    for text in (
        "djstorage://private/documents/cities.csv",
        "<th>inhabitants</th>",
        "<td>Wrocław</td>",
        "<td>97759</td>",
    ):
        expect(text in page, f"the page has no {text}")
    page = visitor.get(
        f"/documents/{Document.objects.get(file__endswith='empty.csv').pk}/table/"
    ).body.decode()
    expect("This is no table" in page, "a csv without columns is shown as a table")


def _forget(visitor: Visitor) -> None:
    """deleted documents are gone from the list and from the disk, and their links are dead"""
    link = _link(visitor)
    for document in Document.objects.all():
        visitor.submit("/documents/", f"/documents/{document.pk}/delete/")
    visitor.get(link, status=404)
    expect("No documents yet" in visitor.get("/documents/").body.decode(), "the list is not empty")


def _nothing_left(visitor: Visitor) -> None:
    """no file is left on the disk, finished or unfinished"""
    for alias in ("default", "private"):
        folder = Path(storages[alias].path(""))
        left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        expect(not left, f"{alias} still has {left}")
