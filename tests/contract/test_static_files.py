"""Django's own ``collectstatic``: plain and with a manifest, twice, and with ``--clear``."""

from __future__ import annotations

import io
import sys

import pytest
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.files.storage import storages
from django.core.management import call_command
from django.templatetags.static import static
from django.test import override_settings
from django.utils.module_loading import import_string

from tests.contract.backends import BASE_URL

SOURCES = {
    "css/site.css": b"body { background: url(../img/a%20b.svg) } @import 'print.css';",
    "css/print.css": b"p { color: black }",
    "img/a b.svg": b"<svg/>",
    "deep/er/still/x.txt": b"x",
}

#: The class of a backend -> those for static files.
_CLASSES = {
    "django_fsspec_storages.FsspecStorage": "django_fsspec_storages.static.Fsspec{}StaticStorage",
    "django_fsspec_storages.backends.s3.S3Storage": "django_fsspec_storages.backends.s3.S3{}StaticStorage",
    "django_fsspec_storages.backends.sftpstorage.SFTPStorage": (
        "django_fsspec_storages.backends.sftpstorage.SFTP{}StaticStorage"
    ),
    "django_fsspec_storages.backends.ftp.FTPStorage": "django_fsspec_storages.backends.ftp.FTP{}StaticStorage",
    "django.core.files.storage.FileSystemStorage": "django.contrib.staticfiles.storage.{}StaticFilesStorage",
}


#: Django's own manifest mix-in, which reads its manifest while the storage is made.
MIXED = "a project's own"


@pytest.fixture(params=["plain", "manifest", MIXED])
def kind(request):
    """Which of the two storages for static files, or one that a project has mixed."""
    return request.param


def _class(space, kind):
    """The path of the class that serves static files from a backend."""
    return _CLASSES[space.backend.path].format("Manifest" if kind == "manifest" else "")


@pytest.fixture
def site(space, kind, tmp_path_factory, monkeypatch):
    """A project with static files that go to the place of the test."""
    folder = tmp_path_factory.mktemp("static")
    for name, content in SOURCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    configuration = space.configuration()
    configuration["BACKEND"] = _class(space, kind)
    if kind == MIXED:
        mixed = type(
            "Mixed", (ManifestFilesMixin, import_string(_class(space, kind))), {"__module__": __name__}
        )
        monkeypatch.setattr(sys.modules[__name__], "Mixed", mixed, raising=False)
        configuration["BACKEND"] = f"{__name__}.Mixed"
    with override_settings(
        STORAGES={"staticfiles": configuration},
        STATIC_ROOT=str(space.root / "outer/location"),
        STATICFILES_DIRS=[str(folder)],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        DEBUG=False,
    ):
        yield folder


def _collect(**options):
    out = io.StringIO()
    call_command("collectstatic", interactive=False, stdout=out, **options)
    return out.getvalue()


def copy_of(storage):
    args, kwargs = storage.given if hasattr(storage, "given") else storage._constructor_args
    return type(storage)(*args, **kwargs)


def test_everything_is_collected_and_found(site, space, kind):
    assert f"{len(SOURCES)} static files copied" in _collect()
    files = space.files()
    assert {name: files[name] for name in SOURCES} == SOURCES
    url = static("img/a b.svg")
    assert url.startswith(BASE_URL)
    if kind == "plain":
        assert set(files) == set(SOURCES)
        assert url == BASE_URL + "img/a%20b.svg"
    else:
        assert "staticfiles.json" in files
        assert len(files) == 2 * len(SOURCES) + 1
        hashed = staticfiles_storage.stored_name("css/site.css")
        assert b"print." in files[hashed]
        assert b"../img/a b." in files[hashed]
        fresh = copy_of(storages["staticfiles"])  # as another process has it, which reads the manifest
        assert fresh.url("css/site.css") == BASE_URL + hashed


def test_collecting_twice_copies_nothing_twice(site, space):
    _collect()
    before = space.files()
    assert "0 static files copied" in _collect()
    assert space.files() == before


def test_what_has_changed_is_collected_again(site, space):
    _collect()
    storages["staticfiles"].delete("css/print.css")
    (site / "css/print.css").write_bytes(b"p { color: red }")
    assert "1 static file copied" in _collect()
    assert space.files()["css/print.css"] == b"p { color: red }"


def test_clear_removes_everything_first(site, space, kind):
    _collect()
    before = space.files()
    space.seed({"old/and/deep.txt": b"old", "old.txt": b"old"})
    out = _collect(clear=True)
    assert "delet" in out.lower()  # Django 6.1 counts them, 5.2 names them
    assert space.files() == before


def test_clear_finds_an_empty_place(site, space):
    assert f"{len(SOURCES)} static files copied" in _collect(clear=True)


def test_a_dry_run_changes_nothing(site, space):
    before = space.world()
    _collect(dry_run=True)
    _collect(dry_run=True, clear=True)
    assert space.world() == before


def test_a_file_in_the_way_of_nothing_is_kept(site, space):
    space.seed({"mine.txt": b"mine"})
    _collect()
    assert space.files()["mine.txt"] == b"mine"


@pytest.mark.on("local", "django")
def test_files_are_linked_where_they_are_on_this_disk(site, space):
    assert f"{len(SOURCES)} static files symlinked" in _collect(link=True, post_process=False)
    linked = space.root / "outer/location/css/print.css"
    assert linked.is_symlink()
    assert linked.read_bytes() == SOURCES["css/print.css"]
    assert f"{len(SOURCES)} static files copied" in _collect(post_process=False)
    assert not linked.is_symlink()


@pytest.mark.on("local")
def test_the_setting_that_django_dropped_names_the_class(space, site, kind):
    path = _class(space, kind)
    with override_settings(STORAGES={}, STATICFILES_STORAGE=path, STATIC_URL=BASE_URL):
        assert type(storages["staticfiles"]) is import_string(path)
        assert f"{len(SOURCES)} static files copied" in _collect()
        assert static("img/a b.svg").startswith(BASE_URL)
    assert set(SOURCES) <= set(space.files())
