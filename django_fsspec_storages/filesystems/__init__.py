"""Filesystems that keep one contract, usable without Django.

>>> from django_fsspec_storages.filesystems import get_filesystem
>>> with get_filesystem("memory").open("/greeting.txt", "w") as file:
...     _ = file.write("hello")
"""

from django_fsspec_storages.filesystems.base import Contract, CoroutineContract
from django_fsspec_storages.filesystems.promises import DEVIATIONS, Promise, deviations_of
from django_fsspec_storages.filesystems.registry import MENDED, filesystem_class, get_filesystem
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = [
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
]
