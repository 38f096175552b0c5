"""``BaseStorage``, under the name by which other code imports it from django-storages."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

from django.core.files.storage import Storage

from django_fsspec_storages.aliases import Aliased
from django_fsspec_storages.options.configured import UnknownOption, unknown_option
from django_fsspec_storages.storage import FsspecStorage

__all__ = ["BaseStorage"]


class BaseStorage(Aliased, Storage, metaclass=ABCMeta):
    """The base of a project's own storage, which does everything itself. Every storage of this package counts as one.

    A subclass names its options and their defaults in ``get_default_settings()`` and writes ``_open``, ``_save``,
    ``exists`` and whatever else it offers; the rest raises ``NotImplementedError``, as in Django's ``Storage``. That is
    why this is not :class:`FsspecStorage`: there, what a project does not write would be done on local disk. A storage
    over a filesystem is a subclass of that.

    The options become attributes: the keyword, or what the class has or was set before, or the default. Beyond what
    django-storages offers, such a storage deconstructs and pickles to its alias, and keeps secrets out of migrations.

    ``isinstance`` and ``issubclass`` hold for :class:`FsspecStorage` and its subclasses too.

    :param options: as in ``OPTIONS`` of ``STORAGES``.
    :raises ImproperlyConfigured: if ``get_default_settings()`` does not name one of them.
    """

    def __init__(self, **options: Any) -> None:
        known = self.get_default_settings()
        unknown = [name for name in options if name not in known]
        if unknown:
            error = UnknownOption(unknown_option(type(self), unknown[0], known))
            options, known = {}, {}  # a debug page shows the locals of every frame: this one keeps no secrets
            raise error
        for (
            name,
            value,
        ) in known.items():  # in their order: a project's property may need what stands before it
            if not hasattr(self, name):
                setattr(self, name, value)
        for name, value in options.items():
            setattr(self, name, value)


BaseStorage.register(FsspecStorage)
