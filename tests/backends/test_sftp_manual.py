"""SFTP in the manual of django-storages 1.7, and in our own: what they tell to write works."""

from __future__ import annotations

import ast
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test import override_settings

from django_fsspec_storages.backends._sftp_params import _REFUSED, _RENAMED, _TRANSLATED
from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from django_fsspec_storages.checks import check_storages
from django_fsspec_storages.errors import Explained
from django_fsspec_storages.filesystems import sftp_errors
from tests.backends.sftp_support import PATH
from tests.servers.process import HOST
from tests.servers.sftp import PASSWORD, USER, SFTPServer

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def folder(sftp_server: SFTPServer, no_ssh_keys: Path, tmp_path: Path) -> Path:
    """A folder of the test's own on the server; nobody has keys on this machine, nor an agent."""
    return sftp_server.folder(tmp_path.name)


# django-storages 1.7, chapter 8


class Letter(models.Model):
    """A model as the manual's other chapters have it."""

    file = models.FileField(upload_to="letters")

    class Meta:
        app_label = "app"


@pytest.fixture
def configured(sftp_server: SFTPServer, folder: Path) -> Iterator[Callable[..., None]]:
    """Set what the manual sets; STORAGES is not known to it."""
    server = {
        "STORAGES": {},
        "DEFAULT_FILE_STORAGE": PATH,
        "SFTP_STORAGE_HOST": HOST,
        "SFTP_STORAGE_ROOT": f"/{folder.name}/",
        "SFTP_STORAGE_PARAMS": {"port": sftp_server.port, "username": USER, "password": PASSWORD},
        "SFTP_KNOWN_HOST_FILE": str(sftp_server.known_hosts),
    }
    with ExitStack() as settings:

        def configure(**more: Any) -> None:
            settings.enter_context(override_settings(**server | more))

        yield configure


def test_host_root_params_and_known_hosts(configured: Callable[..., None], folder: Path) -> None:
    configured()
    assert isinstance(default_storage, SFTPStorage)
    assert default_storage.exists("storage_test") is False
    file = default_storage.open("storage_test", "w")
    file.write("storage contents")
    file.close()
    assert default_storage.exists("storage_test") is True
    assert (folder / "storage_test").read_text() == "storage contents"
    default_storage.delete("storage_test")
    assert default_storage.exists("storage_test") is False


def test_modes_and_owners(configured: Callable[..., None], folder: Path) -> None:
    owner = (1234, 4321) if os.getuid() == 0 else (os.getuid(), os.getgid())
    configured(
        SFTP_STORAGE_FILE_MODE=0o664,
        SFTP_STORAGE_DIR_MODE=0o775,
        SFTP_STORAGE_UID=owner[0],
        SFTP_STORAGE_GID=owner[1],
    )
    default_storage.save("x/a.txt", ContentFile(b"x"))
    for path, mode in ((folder / "x", 0o775), (folder / "x" / "a.txt", 0o664)):
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, *owner)


def test_interactive_never_waits_where_users_upload(
    configured: Callable[..., None], sftp_server: SFTPServer
) -> None:
    login = {"port": sftp_server.port, "username": USER, "allow_agent": False}
    configured(SFTP_STORAGE_INTERACTIVE=True, SFTP_STORAGE_PARAMS=login)
    with pytest.raises(PermissionError, match="interactive asks for a password only at a terminal"):
        default_storage.save("a.txt", ContentFile(b"x"))


def test_the_root_works_as_that_of_static_files(
    configured: Callable[..., None], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "static" / "css").mkdir(parents=True)
    (tmp_path / "static" / "css" / "site.css").write_bytes(b"p { color: black }")
    configured(
        STATICFILES_STORAGE=PATH.replace("SFTPStorage", "SFTPStaticStorage"),
        STATICFILES_DIRS=[str(tmp_path / "static")],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
    )
    for _ in range(2):
        call_command("collectstatic", interactive=False, verbosity=0)
    assert (folder / "css" / "site.css").read_bytes() == b"p { color: black }"


def test_a_model_has_its_files_there(configured: Callable[..., None], folder: Path) -> None:
    configured()
    call_command("migrate", run_syncdb=True, verbosity=0)
    with transaction.atomic():
        letter = Letter()
        letter.file.save("a.txt", ContentFile(b"content"))
        loaded: Any = Letter._default_manager.get()
        assert (loaded.file.name, loaded.file.size, loaded.file.read()) == ("letters/a.txt", 7, b"content")
        loaded.file.close()
        assert loaded.file.url == "/media/letters/a.txt"
        loaded.file.delete()
        transaction.set_rollback(True)
    connection.close()
    assert list((folder / "letters").iterdir()) == []


# Our own page


class Block(NamedTuple):
    """A block of code."""

    page: str
    line: int
    language: str
    text: str


def blocks() -> Iterator[Block]:
    for page in ("sftp", "switching"):
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if page == "sftp" or "SFTP_" in found[2]:
                yield Block(page, text[: found.start()].count("\n") + 1, found[1], found[2])


PYTHON = [block for block in blocks() if block.language == "python"]
SETTINGS = [block for block in PYTHON if block.text.startswith("# settings.py")]


def named(found: list[Block]) -> Any:
    return pytest.mark.parametrize("block", found, ids=[f"{block.page}:{block.line}" for block in found])


def settings_of(block: Block) -> dict[str, Any]:
    namespace: dict[str, Any] = {"INSTALLED_APPS": []}
    exec(block.text, namespace)
    return {name: value for name, value in namespace.items() if name.isupper() and name != "INSTALLED_APPS"}


@named(SETTINGS)
def test_settings_are_accepted(block: Block) -> None:
    settings = {"STORAGES": {"default": {"BACKEND": PATH}}, **settings_of(block)}
    with override_settings(**settings):
        assert check_storages(None) == []
        ours: list[Any] = [storages[alias] for alias in settings["STORAGES"]]
        ours = [storage for storage in ours if isinstance(storage, SFTPStorage)]
        assert ours
        for storage in ours:
            storage.require_options()
            assert storage.storage_options["username"].startswith("web-")
            assert storage.fs_path("a.txt").endswith("a.txt")  # the filesystem takes its options


@named([block for block in PYTHON if block not in SETTINGS])
def test_python_is_python(block: Block) -> None:
    compile(block.text, f"{block.page}.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def block_of(text: str) -> Block:
    """Return the one block of our page that has a text in it."""
    (found,) = [block for block in PYTHON if text in block.text]
    return found


def test_what_reaches_below_the_storage_works(sftp_server: SFTPServer, folder: Path) -> None:
    storage = SFTPStorage(**sftp_server.settings(), root_path=f"/{folder.name}")
    storage.save("reports/2026.csv", ContentFile(b"x"))
    exec(block_of("storage.sftp.symlink").text, {"storage": storage})
    assert (folder / "reports" / "latest").readlink() == Path("2026")
    assert stat.S_IMODE((folder / "reports" / "2026.csv").stat().st_mode) == 0o600


def test_leftovers_that_are_old_are_removed(sftp_server: SFTPServer, folder: Path) -> None:
    storage = SFTPStorage(**sftp_server.settings(), root_path=f"/{folder.name}")
    (folder / "x").mkdir()
    names = [f".{number:032x}.uploading" for number in range(2)]
    for name in names:
        (folder / "x" / name).write_bytes(b"half a file")
    os.utime(folder / "x" / names[0], (1, 1))
    exec(block_of("storage.fs.leftovers").text, {"storage": storage})
    assert [path.name for path in (folder / "x").iterdir()] == names[1:]
    assert storage.listdir("x") == ([], [])


def test_the_table_of_errors_has_all_that_is_explained() -> None:
    page = (DOCS / "sftp.md").read_text(encoding="utf-8")
    table = page[page.index("## Errors") : page.index("## All options")]
    told = [
        each.advice.partition(":")[0] for each in sftp_errors._KNOWN.values() if isinstance(each, Explained)
    ]
    assert [advice for advice in told if advice not in table] == []


def test_the_table_of_params_has_every_name() -> None:
    page = (DOCS / "sftp.md").read_text(encoding="utf-8")
    table = page[page.index("| in `params` | here |") : page.index("### Known hosts")]
    assert [name for name in (*_RENAMED, *_TRANSLATED, *_REFUSED) if f"`{name}`" not in table] == []


def test_the_check_is_in_the_table_of_checks() -> None:
    assert "`fsspec_storages.W014`" in (DOCS / "checks.md").read_text(encoding="utf-8")
