"""``FsspecStorage``: the whole of Django's Storage API over any fsspec filesystem."""

from django_fsspec_storages.storage.core import FsspecStorage
from django_fsspec_storages.storage.options import FsspecOptions

__all__ = ["FsspecOptions", "FsspecStorage"]
