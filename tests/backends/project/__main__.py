"""Run as a program: does with the project what people do with it, and prints what came of it."""

from __future__ import annotations

import io
import json
import re
import sys
import urllib.request
from typing import Any

import django


def main() -> None:
    """Set the project up, use it, print."""
    django.setup()
    from django.contrib.auth.models import User
    from django.core import checks
    from django.core.management import call_command
    from django.test import Client

    found: dict[str, Any] = {"checks": sorted(str(message.id) for message in checks.run_checks())}
    call_command("migrate", run_syncdb=True, verbosity=0)
    found["collected"] = [collect(), collect()]
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    found["pages"] = [upload(client, "report ü.pdf", content) for content in (b"first", b"second")]
    found["removed"] = remove(client)
    json.dump(found, sys.stdout)


def collect() -> str:
    """Collect static files; return the last line of what is said."""
    from django.core.management import call_command

    out = io.StringIO()
    call_command("collectstatic", interactive=False, stdout=out)
    return out.getvalue().strip().splitlines()[-1]


def png() -> bytes:
    """Return a small picture."""
    from PIL import Image

    image = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(image, "PNG")
    return image.getvalue()


def upload(client: Any, name: str, content: bytes) -> dict[str, Any]:
    """Add an article in the admin, look at its page, and fetch all that the page names."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tests.backends.project.models import Article

    data = {
        "title": name,
        "attachment": SimpleUploadedFile(name, content, "application/pdf"),
        "picture": SimpleUploadedFile("photo.png", png(), "image/png"),
    }
    reply = client.post("/admin/project/article/add/", data)
    article = Article._default_manager.latest("pk")
    page = client.get(f"/{article.pk}/").content.decode()
    change = client.get(f"/admin/project/article/{article.pk}/change/").content.decode()
    urls = re.findall(r'(?:href|src)="([^"]+)"', page)
    return {
        "status": reply.status_code,
        "names": [article.attachment.name, article.picture.name],
        "size": [article.attachment.size, article.width, article.height],
        "urls": urls,
        "fetched": [fetch(url) for url in urls],
        "in the admin": article.attachment.url in change,
    }


def fetch(url: str) -> list[Any]:
    """Return what a browser is given: the content, its type, and how long to keep it."""
    with urllib.request.urlopen(url, timeout=120) as reply:
        return [reply.read().decode("latin-1"), reply.headers["Content-Type"], reply.headers["Cache-Control"]]


def remove(client: Any) -> list[str]:
    """Clear a picture in the admin, delete files as models do; return what is left in the folder of pictures."""
    from django.core.files.storage import default_storage

    from tests.backends.project.models import Article

    for article in Article._default_manager.all():
        picture = str(article.picture.name)
        client.post(
            f"/admin/project/article/{article.pk}/change/", {"title": article.title, "picture-clear": "on"}
        )
        default_storage.delete(picture)
        article.attachment.delete()
    return [name for folder in ("attachments", "pictures") for name in default_storage.listdir(folder)[1]]


if __name__ == "__main__":
    main()
