"""For your own tests: every alias of ``STORAGES`` an isolated memory store.

As a context manager, a decorator of functions and of ``TestCase`` classes, or the pytest fixture of the same name::

    with isolated_storages():
        default_storage.save("a.txt", ContentFile(b"kept in memory, and forgotten at the end"))
"""

from __future__ import annotations

import functools
import inspect
import secrets
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, ExitStack
from typing import Any, Self, TypeVar, cast

try:
    import pytest
except ImportError:  # a project that tests with unittest alone
    pytest = None  # type: ignore[assignment]

__all__ = ["isolated_storages"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

#: Options that tell how a storage behaves, not where its files are: kept.
_KEPT = ("allow_overwrite", "base_url")
_MISSING = object()


class isolated_storages(ContextDecorator):  # noqa: N801 - used like a function
    """Replace every alias, and the storage of every model field that is one of them, by a memory store of its own.

    A storage that a field alone has, and no alias, is left as it is.

    :param aliases: only these aliases; all of them if none is named.
    """

    def __init__(self, *aliases: str) -> None:
        if not all(isinstance(alias, str) for alias in aliases):
            raise TypeError(
                "isolated_storages takes aliases: decorate with @isolated_storages(), in parentheses."
            )
        self._aliases = aliases
        self._stores: dict[str, Any] = {}
        self._stack: ExitStack | None = None

    def __enter__(self) -> Self:
        from django.apps import apps
        from django.core.files.storage import storages
        from django.test import override_settings

        fields = list(_fields_by_alias(apps.get_models() if apps.ready else ()))
        replaced: dict[str, Any] = dict(storages.backends)
        for alias in self._aliases or replaced:
            replaced[alias] = _in_memory(alias, storages[alias])
        with ExitStack() as stack:
            stack.enter_context(override_settings(STORAGES=replaced))
            self._stores = {alias: storages[alias] for alias in self._aliases or replaced}
            for field, alias in fields:
                if alias in self._stores:
                    stack.callback(setattr, field, "storage", field.storage)
                    field.storage = self._stores[alias]
            for store in self._stores.values():
                stack.callback(store.fs.forget)
            self._stack = stack.pop_all()
        return self

    def inherit(self, outer: Self) -> None:
        """Begin with the files that another one has: what a class set up is there for each of its tests."""
        for alias, store in self._stores.items():
            if alias in outer._stores:
                store.fs.take_over(outer._stores[alias].fs)

    def __exit__(self, *error: object) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.close()

    def _recreate_cm(self) -> Self:
        return type(self)(*self._aliases)

    def __call__(self, function: Decorated) -> Decorated:
        """Decorate a test function, sync or async, or a TestCase class (each test anew)."""
        if inspect.isclass(function):
            return cast("Decorated", _decorated_class(function, self._aliases))
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run(*args: Any, **kwargs: Any) -> Any:
                with self._recreate_cm():
                    return await function(*args, **kwargs)

            return cast("Decorated", run)
        return super().__call__(function)


def _decorated_class(cls: type[Any], aliases: tuple[str, ...]) -> type[Any]:
    set_up: Callable[[Any], None] = cls.setUp

    of_class: dict[type[Any], isolated_storages] = {}

    @functools.wraps(set_up)
    def set_up_in_memory(self: Any) -> None:
        isolated = isolated_storages(*aliases)
        isolated.__enter__()
        self.addCleanup(isolated.__exit__, None, None, None)
        if (outer := of_class.get(type(self))) is not None:  # none where a setUpClass does not call super's
            isolated.inherit(outer)
        set_up(self)

    set_up_class: Callable[[], None] = cls.setUpClass

    def set_up_class_in_memory(klass: Any) -> None:
        isolated = of_class[klass] = isolated_storages(*aliases)
        isolated.__enter__()
        klass.addClassCleanup(isolated.__exit__, None, None, None)
        set_up_class.__func__(klass)  # type: ignore[attr-defined]

    cls.setUp = set_up_in_memory
    cls.setUpClass = classmethod(set_up_class_in_memory)
    return cls


def _in_memory(alias: str, storage: Any) -> dict[str, Any]:
    from django.contrib.staticfiles.storage import StaticFilesStorage

    from django_fsspec_storages.static import StaticMixin

    static = alias == "staticfiles" or isinstance(storage, (StaticFilesStorage, StaticMixin))
    backend = "static.FsspecStaticStorage" if static else "FsspecStorage"
    kept = {name: getattr(storage, name, getattr(storage, f"_{name}", _MISSING)) for name in _KEPT}
    options = {name: value for name, value in kept.items() if value is not _MISSING} | {
        "protocol": "memory",
        "location": "",
        "storage_options": {"space": f"{alias}-{secrets.token_hex(8)}"},
    }
    return {"BACKEND": f"django_fsspec_storages.{backend}", "OPTIONS": options}


def _fields_by_alias(models: Any) -> Iterator[tuple[Any, str]]:
    from django.core.files.storage import default_storage
    from django.db.models import FileField

    for model in models:
        for field in model._meta.local_fields:
            if isinstance(field, FileField) and field.storage is not default_storage:
                alias = _alias_of(field.storage)
                if alias is not None:
                    yield field, alias


def _alias_of(storage: Any) -> str | None:
    from django.core.files.storage import storages

    from django_fsspec_storages.aliases import alias_of

    # Ours are equal to the alias's even where BACKEND is a function that gave them their arguments.
    return alias_of(storage) or next((a for a in storages.backends if storages[a] == storage), None)


if pytest is not None:

    @pytest.fixture(name="isolated_storages")
    def _isolated_storages() -> Iterator[None]:
        """Give every alias of STORAGES an isolated memory store for one test."""
        with isolated_storages():
            yield
