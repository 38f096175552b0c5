"""One Django storage over any fsspec filesystem.

``FsspecStorage`` and ``stored`` are imported on first use, so that ``django_fsspec_storages.filesystems`` also works
where Django is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_fsspec_storages.aliases import stored
    from django_fsspec_storages.storage import FsspecStorage

__version__ = "0.1.0"
__all__ = ["FsspecStorage", "__version__", "stored"]

_HOMES = {
    "FsspecStorage": "django_fsspec_storages.storage",
    "stored": "django_fsspec_storages.aliases",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
