"""What the package exports, and what importing it costs."""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from typing import Any

import pytest

import django_fsspec_storages
from tests.support.processes import python

#: Names that stay. Removing one, or adding one by accident, is a change that users see.
PUBLIC = {
    "": ["FsspecStorage", "__version__", "stored"],
    "backends.boto3": [
        "S3Boto3Storage",
        "S3Boto3StorageFile",
        "S3ManifestStaticStorage",
        "S3StaticStorage",
        "SpooledTemporaryFile",
    ],
    "backends.ftp": [
        "FTPManifestStaticStorage",
        "FTPStaticStorage",
        "FTPStorage",
        "FTPStorageException",
        "FTPStorageFile",
    ],
    "backends.s3": [
        "S3File",
        "S3ManifestStaticStorage",
        "S3StaticStorage",
        "S3Storage",
        "SpooledTemporaryFile",
    ],
    "backends.s3boto": ["S3BotoStorage", "S3BotoStorageFile", "SpooledTemporaryFile"],
    "backends.s3boto3": [
        "S3Boto3Storage",
        "S3Boto3StorageFile",
        "S3ManifestStaticStorage",
        "S3StaticStorage",
        "SpooledTemporaryFile",
    ],
    "backends.sftpstorage": [
        "SFTPManifestStaticStorage",
        "SFTPStaticStorage",
        "SFTPStorage",
        "SFTPStorageFile",
    ],
    "base": ["BaseStorage"],
    "errors": ["CannotKeepPromise", "FileChangedError", "NoUrlError"],
    "files": ["AsyncFile", "AsyncStream", "AsyncWrapper", "FsspecFile", "Stream"],
    "filesystems": [
        "DEVIATIONS",
        "MENDED",
        "Contract",
        "CoroutineContract",
        "Download",
        "Facts",
        "Promise",
        "Scan",
        "Upload",
        "deviations_of",
        "filesystem_class",
        "get_filesystem",
    ],
    "options": ["Configured", "Found", "Legacy", "Option", "UnknownOption"],
    "protocol": ["DjangoStorageFileSystem"],
    "static": ["FsspecManifestStaticStorage", "FsspecStaticStorage", "ManifestMixin", "StaticMixin"],
    "storage": ["FsspecOptions", "FsspecStorage"],
    "testing": ["isolated_storages"],
    "utils": [
        "OutsideBase",
        "ReadBytesWrapper",
        "check_location",
        "clean_name",
        "get_available_overwrite_name",
        "is_seekable",
        "lookup_env",
        "safe_join",
        "setting",
        "to_bytes",
    ],
}

#: What a project that uses local disk must never be made to load.
HEAVY = {
    *(
        "adlfs",
        "aiohttp",
        "asyncssh",
        "azure",
        "boto3",
        "botocore",
        "dask",
        "distributed",
        "dropbox",
        "dropboxdrivefs",
    ),
    *(
        "gcsfs",
        "google",
        "libcloud",
        "numpy",
        "pandas",
        "paramiko",
        "pyarrow",
        "pytest",
        "requests",
        "s3fs",
        "sshfs",
    ),
    *("tqdm", "upath", "urllib3"),
}

SET_UP = """
import sys, json
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_fsspec_storages"], MEDIA_ROOT="/nowhere", STATIC_URL="/static/")
import django
django.setup()
"""


def loaded(script: str) -> set[str]:
    """Return the top-level packages that a script loads, without those of the standard library."""
    ended = python(
        f"{script}\nimport sys, json\n"
        "names = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(json.dumps(sorted(names)))"
    )
    assert ended.stderr == ""
    found: list[str] = json.loads(ended.stdout)
    return {name for name in found if not name.startswith(("_", "sitecustomize"))}


@pytest.fixture(scope="module")
def django_alone() -> set[str]:
    """What Django's own storages load."""
    return loaded(
        SET_UP.replace("django_fsspec_storages", "django.contrib.staticfiles")
        + "from django.core.files.storage import default_storage; default_storage.exists('a.txt')"
    )


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these(module: str) -> None:
    home: Any = import_module(f"django_fsspec_storages.{module}".rstrip("."))
    assert set(PUBLIC[module]) <= set(home.__all__)
    if module != "errors":
        assert sorted(home.__all__) == sorted(PUBLIC[module])


def test_every_module_says_what_it_exports_and_has_it() -> None:
    walked = list(pkgutil.walk_packages(django_fsspec_storages.__path__, "django_fsspec_storages."))
    assert len(walked) > 30
    for found in walked:
        module = import_module(found.name)
        names = getattr(module, "__all__", None)
        if found.name.endswith((".backends", ".management", ".signing")) and names is None:
            continue
        assert names is not None, found.name
        assert [name for name in names if not hasattr(module, name)] == []
        assert len(set(names)) == len(names)


def test_the_two_names_of_the_package_are_those_of_their_homes() -> None:
    from django_fsspec_storages.aliases import stored
    from django_fsspec_storages.storage import FsspecStorage

    assert django_fsspec_storages.FsspecStorage is FsspecStorage
    assert django_fsspec_storages.stored is stored
    with pytest.raises(AttributeError, match="has no attribute 'S3Storage'"):
        django_fsspec_storages.S3Storage  # noqa: B018


def test_importing_the_package_imports_nothing_else() -> None:
    assert loaded("import django_fsspec_storages") == {"django_fsspec_storages"}


def test_the_filesystems_need_fsspec_alone() -> None:
    script = """
from django_fsspec_storages.filesystems import get_filesystem
for protocol in ("file", "memory"):
    get_filesystem(protocol)
"""
    assert loaded(script) == {"django_fsspec_storages", "fsspec"}


@pytest.mark.parametrize(
    "use",
    [
        "from django_fsspec_storages import FsspecStorage; FsspecStorage()",
        "from django_fsspec_storages import FsspecStorage; FsspecStorage(protocol='s3', base_url='/').url('a.txt')",
        "from django_fsspec_storages import FsspecStorage; FsspecStorage(protocol='memory').exists('a.txt')",
        "from django_fsspec_storages import FsspecStorage; FsspecStorage().exists('a.txt')",
        "from django_fsspec_storages.static import FsspecManifestStaticStorage; FsspecManifestStaticStorage()",
        "import django_fsspec_storages.protocol",
    ],
)
def test_neither_constructing_nor_using_local_storages_loads_anything_heavy(
    use: str, django_alone: set[str]
) -> None:
    found = loaded(SET_UP + use)
    assert found & HEAVY == set()
    assert found - django_alone <= {"django_fsspec_storages", "fsspec"}


def test_constructing_opens_nothing_and_starts_no_thread() -> None:
    ended = python(
        SET_UP + "import os, threading\n"
        "before = os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd') else []\n"
        "from django_fsspec_storages import FsspecStorage\n"
        "storages = [FsspecStorage(protocol=protocol) for protocol in ('file', 's3', 'sftp', 'http')]\n"
        "after = os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd') else []\n"
        "print(len(after) - len(before), threading.active_count())"
    )
    assert (ended.stdout, ended.stderr) == ("0 1\n", "")
