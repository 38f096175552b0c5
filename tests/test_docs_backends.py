"""The manual's pages on backends: their settings are accepted, their policies suffice, their views upload and watch."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.core.checks import CheckMessage
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test import RequestFactory, override_settings

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.backends.s3 import S3ManifestStaticStorage, S3StaticStorage, S3Storage
from django_fsspec_storages.checks import check_storages
from django_fsspec_storages.filesystems import s3_errors
from tests.backends.s3_storages import fetch, on
from tests.servers.ministack import MiniStack
from tests.servers.s3 import Bucket

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("s3", "s3-urls", "s3-operations", "s3-providers", "sftp", "ftp", "switching")


class Block(NamedTuple):
    """A block of code.

    :param above: the paragraph before it.
    """

    page: str
    line: int
    language: str
    above: str
    text: str

    @property
    def first(self) -> str:
        return self.text.partition("\n")[0]


def blocks_of(page: str) -> Iterator[Block]:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        before = text[: found.start()].rstrip()
        above = before.rpartition("\n\n")[2].replace("\n", " ")
        yield Block(page, before.count("\n") + 1, found[1], above, found[2])


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
SETTINGS = [block for block in PYTHON if block.first.startswith("# settings.py")]
MODULES = [block for block in PYTHON if block.first.startswith("# myproject/")]
JSON = [block for block in BLOCKS if block.language == "json"]


def named(blocks: list[Block]) -> Any:
    return pytest.mark.parametrize("block", blocks, ids=[f"{block.page}:{block.line}" for block in blocks])


def block_of(page: str, text: str) -> Block:
    """Return the one block of a page that has a text in it."""
    (found,) = [block for block in BLOCKS if block.page == page and text in block.text]
    return found


# What the blocks name


class Owner(models.Model):
    """Who uploads."""

    is_authenticated = True

    class Meta:
        app_label = "app"


class Photo(models.Model):
    """The model of the page on uploads."""

    owner = models.ForeignKey(Owner, models.CASCADE)
    image = models.FileField(upload_to="elsewhere")

    class Meta:
        app_label = "app"


@pytest.fixture
def private_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def project(
    monkeypatch: pytest.MonkeyPatch, aws_environment: None, private_key: str
) -> dict[str, ModuleType]:
    """The project of the pages: its modules, and its environment."""
    environment = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "MEDIA_FTP_URL": "ftps://web-media:s3cr%2Ft@ftp.example.org:21/media",
        "STATIC_FTP_URL": "ftps://web-static:s3cr%2Ft@ftp.example.org:21/static",
    }
    for name, value in {**environment, "CLOUDFRONT_KEY": private_key}.items():
        monkeypatch.setenv(name, value)
    made = {"myproject": ModuleType("myproject"), "myproject.models": ModuleType("myproject.models")}
    made["myproject.models"].Photo = Photo  # type: ignore[attr-defined]
    for name, module in made.items():
        monkeypatch.setitem(sys.modules, name, module)
    for block in MODULES:
        name = block.first.removeprefix("# ").removesuffix(".py").replace("/", ".")
        assert name not in made, f"{block.page}:{block.line}: another block is this file already"
        monkeypatch.setitem(sys.modules, name, made.setdefault(name, ModuleType(name)))
        exec(block.text, vars(made[name]))
    return made


def settings_of(block: Block) -> dict[str, Any]:
    namespace: dict[str, Any] = {"INSTALLED_APPS": []}
    exec(block.text, namespace)
    return {name: value for name, value in namespace.items() if name.isupper() and name != "INSTALLED_APPS"}


def execute(block: Block, **names: Any) -> dict[str, Any]:
    """Run a block that is a piece of code."""
    code = compile(block.text, f"{block.page}.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        asyncio.run(result)
    return names


# Settings


def test_every_page_has_blocks_that_are_looked_at() -> None:
    assert {block.page for block in SETTINGS} == set(PAGES)
    assert {block.language for block in BLOCKS} <= {
        "python",
        "json",
        "console",
        "html",
        "js",
        "yaml",
        "diff",
        "text",
    }


def test_every_link_has_words() -> None:
    """Sphinx makes them up where there are none; who reads the pages beside the code sees nothing."""
    pages = [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]
    assert [(page.name, link) for page in pages for link in re.findall(r"\[]\(.*?\)", page.read_text())] == []


@named(SETTINGS)
def test_settings_are_accepted_and_lead_somewhere(block: Block, project: dict[str, ModuleType]) -> None:
    with override_settings(**{"STORAGES": {}, **settings_of(block)}):
        messages: list[CheckMessage] = [
            m
            for m in check_storages(None)
            if m.id != "fsspec_storages.W013"  # the manual's own CA is not here
        ]
        old = "django-storages 1.7" in block.first
        assert [m for m in messages if not (old and m.id == "fsspec_storages.W001")] == []
        assert bool(messages) is old
        handler: Any = storages
        for alias in handler.backends:
            storage: Any = storages[alias]
            if isinstance(storage, FsspecStorage):
                storage.require_options()
            if isinstance(storage, S3Storage):
                if isinstance(storage, S3ManifestStaticStorage):  # its URLs would ask for its manifest
                    continue
                host = urlsplit(storage.url("a.txt")).hostname or ""
                domain = urlsplit(f"//{storage.custom_domain or ''}").hostname
                assert host.endswith(
                    domain or urlsplit(storage.endpoint_url or "").hostname or "amazonaws.com"
                )


LINES = r"""
from storages.backends.s3 import S3Storage
import storages.backends.s3boto3
field = models.FileField(storage=storages.backends.s3boto3.S3Boto3Storage())
from storages.utils import setting, clean_name
from  storages.base import BaseStorage
from storages.backends.ftp import FTPStorage
from storages.backends import ftp, sftpstorage
    from storages.backends import (s3 as s, ftp,)  # x
from storages import utils, base
import storages.backends.sftpstorage
w = "storages.backends.sftpstorage.SFTPStorage"
x = "storages.backends.s3.S3Storage", 'storages.backends.s3boto3.S3Boto3Storage'
from django.core.files.storage import storages
from myproject.storages.backends import X
from .storages.backends import X
import myproject.storages.utils
y = "myproject.storages.backends.X"
z = storages.backends["default"]
storages.backends
from storages.backends_of_ours import X
mystorages.backends, "mystorages.backends"
from storages.backends import gcloud, ftp
from storages.backends import (
from storages import backends
import storages
from myproject.storages import utils
"""


def test_the_command_that_changes_the_prefix_changes_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LINES)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "b.py").write_text(LINES)
    page = (DOCS / "switching.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ +\$ (grep .*\n.* sed -i .*)$", page, re.MULTILINE)
    for _ in range(2):  # what was changed is not changed again
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=240)
    head, tail = LINES.split("from django.core")
    changed = re.sub(r"storages(?=\.| import)", "django_fsspec_storages", head)
    assert (tmp_path / "a.py").read_text() == f"{changed}from django.core{tail}"
    assert (tmp_path / ".venv" / "b.py").read_text() == LINES


@named(PYTHON)
def test_python_is_python(block: Block) -> None:
    compile(block.text, f"{block.page}.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@named(JSON)
def test_json_is_json_and_policies_are_policies(block: Block) -> None:
    found = json.loads(block.text)
    for statement in found.get("Statement", ()):
        assert found["Version"] == "2012-10-17"
        assert statement["Effect"] == "Allow"
        for field, form in {
            "Action": r"(s3|kms):[A-Z]\w+",
            "Resource": r"arn:aws:(s3:::|kms:)[\w./:*-]+",
        }.items():
            values = [statement[field]] if isinstance(statement[field], str) else statement[field]
            assert all(re.fullmatch(form, value) for value in values), values


def test_the_table_of_errors_has_every_code_that_is_explained() -> None:
    page = (DOCS / "s3-operations.md").read_text(encoding="utf-8")
    codes = {
        code for code in s3_errors._KNOWN if not code.endswith(("Error", "NotFound"))
    }  # else the SDK's own
    assert {code for code in codes if f"`{code}`" not in page} == set()


# Policies


def reads(storage: Any) -> None:
    assert storage.open("there.txt").read() == b"content"
    assert (storage.exists("missing.txt"), storage.exists(""), storage.size("there.txt")) == (False, True, 7)
    assert storage.listdir("") == ([], ["there.txt"])


def writes(storage: Any) -> None:
    reads(storage)
    assert storage.save("large.bin", ContentFile(b"x" * 9 * 2**20)) == "large.bin"
    assert storage.save("there.txt", ContentFile(b"other")).startswith("there_")
    with pytest.raises(RuntimeError), storage.open("failed.bin", "wb") as file:
        file.write(b"x" * 17 * 2**20)
        raise RuntimeError
    storage.delete("large.bin")


def signs(storage: Any) -> None:
    ticket = storage.upload_ticket("there.txt")
    assert post(ticket.url, ticket.fields, b"content").status == 204
    storage.allow_overwrite = True
    ticket = storage.upload_ticket("there.txt", method="PUT")
    assert fetch(ticket.url, "PUT", b"content", ticket.headers).status == 200


def finds_leftovers(storage: Any) -> None:
    bucket = {"Bucket": storage.bucket_name, "Key": "uploads/there.txt"}
    storage.admin.create_multipart_upload(**bucket)
    (leftover,) = storage.fs.leftovers(storage.fs_path(""))
    storage.fs.discard(leftover)
    assert list(storage.fs.leftovers(storage.fs_path(""))) == []
    assert storage.admin.head_object(**bucket)["ContentLength"] == 7


ALLOWED: list[tuple[str, Callable[[Any], None], Callable[[Any], Any]]] = [
    ("Reading, with", reads, lambda storage: storage.save("new.txt", ContentFile(b"x"))),
    ("Reading and writing", writes, lambda storage: list(storage.fs.leftovers(storage.fs_path("")))),
    ("[Upload tickets]", signs, lambda storage: storage.open("there.txt")),
    ("Finding and ending", finds_leftovers, lambda storage: storage.open("there.txt")),
]


@pytest.mark.parametrize(("above", "uses", "refused"), ALLOWED, ids=[row[0] for row in ALLOWED])
def test_a_policy_suffices_for_what_it_is_for(
    ministack: MiniStack,
    s3_bucket: Callable[..., Bucket],
    above: str,
    uses: Callable[[Any], None],
    refused: Callable[[Any], Any],
) -> None:
    bucket = s3_bucket()
    bucket.put("uploads/there.txt", b"content")
    (policy,) = [block for block in JSON if block.above.startswith(above)]
    statements = json.loads(policy.text.replace("my-media", bucket.name))["Statement"]
    keys = ministack.user(*statements)
    storage = on(
        bucket, access_key=keys.key, secret_key=keys.secret, location="uploads", file_overwrite=False
    )
    storage.admin = ministack.admin
    uses(storage)
    with pytest.raises(PermissionError, match="grant s3:"):
        refused(storage)
    assert bucket.uploads() == []


def test_manifest_static_files_need_no_more_than_their_manifest(
    ministack: MiniStack, s3_bucket: Callable[..., Bucket]
) -> None:
    bucket = s3_bucket()
    manifest = {"version": "1.1", "paths": {"a.css": "a.0123456789ab.css"}, "hash": ""}
    bucket.put("staticfiles.json", json.dumps(manifest).encode())
    (policy,) = [block for block in JSON if block.above.startswith("A web process")]
    keys = ministack.user(*json.loads(policy.text.replace("my-static", bucket.name))["Statement"])
    with override_settings(DEBUG=False):
        static = on(
            bucket,
            S3ManifestStaticStorage,
            access_key=keys.key,
            secret_key=keys.secret,
            custom_domain="static.example.com",
        )
        assert static.url("a.css") == "https://static.example.com/a.0123456789ab.css"
    with pytest.raises(PermissionError):
        on(bucket, S3StaticStorage, access_key=keys.key, secret_key=keys.secret).listdir("")


# URLs and uploads


def post(url: str, fields: Any, content: bytes, content_type: str = "image/png") -> Any:
    """Send a form as the script of the page does."""
    boundary = uuid.uuid4().hex
    given = dict(fields) | ({} if "Content-Type" in fields else {"Content-Type": content_type})
    parts = [(f'name="{name}"', str(value).encode()) for name, value in given.items()]
    parts.append(('name="file"; filename="x"', content))
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode() + value + b"\r\n"
        for what, value in parts
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return fetch(url, "POST", body + f"--{boundary}--\r\n".encode(), headers)


def test_the_calls_of_url_are_calls_that_it_takes(s3_bucket: Callable[..., Bucket], private_key: str) -> None:
    from datetime import timedelta

    from django.utils import timezone

    storage = on(s3_bucket())
    execute(block_of("s3-urls", "await storage.aurl"), storage=storage)
    cloudfront = on(
        s3_bucket(),
        custom_domain="media.example.com",
        cloudfront_key_id="K2JCJMDEHXQW5F",
        cloudfront_key=private_key,
    )
    execute(
        block_of("s3-urls", "one signature for many"),
        storage=cloudfront,
        timezone=timezone,
        timedelta=timedelta,
    )
    names = execute(block_of("s3-urls", 'ticket = storage.upload_ticket("photos/cat.png"'), storage=storage)
    assert names["ticket"].method == "POST"


def test_what_reaches_below_the_storage_works(s3_bucket: Callable[..., Bucket]) -> None:
    import io

    bucket = s3_bucket()
    storage = on(bucket, location="uploads")
    storage.save("a.txt", ContentFile(b"x"))
    block = block_of("s3", "storage.connection.meta.client\n")
    execute(block, storage=storage, file=io.BytesIO(b"uploaded"))
    assert bucket.get("uploads/a.txt") == b"uploaded"


@pytest.fixture
def owner() -> Iterator[Owner]:
    """A row of the table of owners; it is gone afterwards."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    with transaction.atomic():
        yield Owner._default_manager.create()
        transaction.set_rollback(True)
    connection.close()


@pytest.fixture
def uploads(project: dict[str, ModuleType], s3_bucket: Callable[..., Bucket]) -> Iterator[tuple[Any, Bucket]]:
    """The views of the page on uploads, on a bucket."""
    bucket = s3_bucket()
    default = settings_of(block_of("s3-urls", '"my-uploads"'))["STORAGES"]["default"]
    here = on(bucket, location="uploads").given[1]
    default["OPTIONS"] |= {**here, "addressing_style": "path"}
    with override_settings(STORAGES={"default": default}):
        yield project["myproject.uploads"], bucket


def asked(view: Callable[..., Any], user: Owner, **values: str) -> dict[str, Any]:
    request: Any = RequestFactory().post("/", values)
    request.user = user
    found: dict[str, Any] = json.loads(view(request).content)
    return found


def test_the_views_for_uploads_record_what_a_browser_sent(uploads: tuple[Any, Bucket], owner: Owner) -> None:
    views, bucket = uploads
    ticket = asked(views.begin, owner, name="cat.png")
    assert re.fullmatch(r"photos/cat_\w{7}\.png", ticket["name"])
    assert asked(views.begin, owner, name="cat.png")["name"] != ticket["name"], "nobody else's is replaced"
    assert post(ticket["url"], ticket["fields"], b"png", "text/html").code == "AccessDenied"
    with pytest.raises(PermissionDenied):  # nothing was uploaded yet
        asked(views.finish, owner, receipt=ticket["receipt"])
    assert post(ticket["url"], ticket["fields"], b"png").status == 204
    assert fetch(asked(views.finish, owner, receipt=ticket["receipt"])["url"]).body == b"png"
    (photo,) = Photo._default_manager.all()
    assert (photo.image.name, photo.owner) == (ticket["name"], owner)
    assert bucket.get(f"uploads/{photo.image.name}") == b"png"


def test_the_views_for_uploads_take_no_foreign_receipt(uploads: tuple[Any, Bucket], owner: Owner) -> None:
    views, bucket = uploads
    ticket = asked(views.begin, owner, name="cat.png")
    bucket.put(f"uploads/{ticket['name']}", b"png")
    for user, receipt in [(Owner._default_manager.create(), ticket["receipt"]), (owner, "photos/cat.png")]:
        with pytest.raises(PermissionDenied):
            asked(views.finish, user, receipt=receipt)
    assert not Photo._default_manager.exists()


def test_the_view_that_sets_cookies(project: dict[str, ModuleType], owner: Owner) -> None:
    with override_settings(**settings_of(block_of("s3-urls", '"my-videos"'))):
        request: Any = RequestFactory().get("/")
        request.user = owner
        response = project["myproject.watching"].watch(request, "maths")
    assert response.content == b"https://media.example.com/maths/index.m3u8"
    assert set(response.cookies) == {"CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"}
    assert {cookie["domain"] for cookie in response.cookies.values()} == {".example.com"}
