"""The Django project that this process is of, for code that is no part of it: notebooks, workers of a cluster."""

from __future__ import annotations

import os
import threading
from typing import Any

__all__ = ["aliases", "storage_of"]

_making = threading.RLock()  # a storage may ask for another one while it is made


def _forget_after_fork() -> None:
    global _making
    _making = threading.RLock()  # a thread that held it is not in the child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def _set_up_django() -> None:
    import django
    from django.apps import apps
    from django.conf import ENVIRONMENT_VARIABLE, settings

    if apps.ready:
        return
    if not settings.configured and not os.environ.get(ENVIRONMENT_VARIABLE):
        raise RuntimeError(
            f"djstorage:// needs the Django project that the alias belongs to: set {ENVIRONMENT_VARIABLE} in this "
            "process (and in every worker of dask and its like)."
        )
    django.setup()


def aliases() -> list[str]:
    """Return the aliases of ``STORAGES``."""
    _set_up_django()
    from django.core.files.storage import storages

    return list(storages.backends)


def storage_of(alias: str) -> Any:
    """Return the storage of an alias.

    :raises InvalidStorageError: if ``STORAGES`` has no such alias.
    """
    _set_up_django()
    from django.core.files.storage import storages

    handler: Any = storages
    if (made := handler._storages.get(alias)) is not None:
        return made
    # Django makes one for each thread that asks before the first is made: files in the others' memory would be lost.
    with _making:
        return storages[alias]
