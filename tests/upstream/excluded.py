"""The tests of Django's that are expected to fail, each with the reason. One that passes is reported as a failure."""

from __future__ import annotations

import os

import django

__all__ = ["EXCLUDED"]

_ABSOLUTE = (
    "It deletes by an absolute name. Our names are relative to the location, whatever the filesystem: an absolute one "
    "is refused with SuspiciousFileOperation, also where it lies inside."
)

#: A test function where it is defined (and so in every class that inherits it): why it is excluded.
EXCLUDED: dict[str, str] = {
    "file_storage.tests.FileStorageTests.test_delete_deletes_directories": _ABSOLUTE,
    "file_uploads.tests.DirectoryCreationTests.test_not_a_directory": (
        _ABSOLUTE
        + " Then it wants FileExistsError where a folder of the path is a file: ours is NotADirectoryError."
    ),
    "file_storage.tests.FileStorageTests.test_file_url": (
        r"It asks for the URL of 'ab\0c'. No file has such a name: we refuse control characters, there too."
    ),
    "file_storage.tests.FileStorageTests.test_makedirs_race_handling": (
        "It replaces os.makedirs, which we do not call: each folder is made, and given its permissions, by itself."
    ),
    "staticfiles_tests.test_storage.TestCollectionManifestStorage.test_manifest_does_not_ignore_permission_error": (
        "It replaces builtins.open, which we do not call: local files are opened with os.open."
    ),
    "model_fields.test_filefield.FileFieldTests.test_move_temporary_file": (
        "It wants a temporary upload moved. We copy: the file that is saved stays the caller's, on every filesystem."
    ),
}

if django.VERSION < (6, 0):
    EXCLUDED[
        "file_storage.tests.OverwritingStorageOSOpenFlagsWarningTests.test_os_open_flags_deprecation_warning"
    ] = (
        "It wants the warning of Django 5.2 that its own OS_OPEN_FLAGS will go. We never had it; that a subclass whose "
        "get_available_name insists on a name overwrites is kept, and tested by OverwritingStorageOSOpenFlagsTests."
    )

if hasattr(os, "geteuid") and os.geteuid() == 0:
    EXCLUDED["file_uploads.tests.DirectoryCreationTests.test_readonly_root"] = (
        "Run by root, who may write into a read-only folder; it fails with Django's FileSystemStorage too."
    )
