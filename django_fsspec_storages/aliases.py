"""Everything about the aliases of ``STORAGES``: identity, migrations, pickles, and the two settings of old."""

from __future__ import annotations

import copy
import functools
import inspect
from importlib import import_module
from typing import Any, ClassVar, Self, cast

from django.conf import settings
from django.core.files.storage import Storage, default_storage, storages
from django.core.files.storage.handler import StorageHandler
from django.core.signals import setting_changed
from django.utils.functional import cached_property, empty
from django.utils.module_loading import import_string

from django_fsspec_storages.options import Configured

__all__ = ["LEGACY_SETTINGS", "Aliased", "alias_of", "honour_legacy_settings", "legacy_aliases", "stored"]

#: The settings that Django dropped in 5.1, and the alias each of them was.
LEGACY_SETTINGS = {"DEFAULT_FILE_STORAGE": "default", "STATICFILES_STORAGE": "staticfiles"}


def stored(alias: str) -> Storage:
    """Return the storage of an alias: what a migration calls. Permanent API.

    :raises InvalidStorageError: if ``STORAGES`` has no such alias.
    """
    return storages[alias]


def alias_of(storage: Storage, *, make: bool = True) -> str | None:
    """Return the alias a storage belongs to, or None: by identity, then by BACKEND and equal OPTIONS.

    Of a storage that is not ours, OPTIONS are known if its class is ``@deconstructible``, as Django's are.

    :param make: whether an alias's storage may be made, to compare. This one may be on its way to become it, and making
        another would end where this one is, for ever.
    """
    handler: Any = storages
    for alias, known in list(handler._storages.items()):
        if known is storage:
            return str(alias)
    given = storage.given if isinstance(storage, Aliased) else getattr(storage, "_constructor_args", None)
    for alias, parameters in handler.backends.items():  # identity is lost under override_settings
        if not isinstance(parameters, dict) or "BACKEND" not in parameters:  # the checks say so
            continue
        if given == ((), parameters.get("OPTIONS", {})) and _is_class(parameters["BACKEND"], type(storage)):
            known = handler[alias] if make else handler._storages.get(alias, storage)
            if isinstance(storage, Aliased) and storage != known:  # something was set on it since
                continue
            return str(alias)
    return None


def _is_class(backend: Any, cls: type[Any]) -> bool:
    if backend == f"{cls.__module__}.{cls.__qualname__}":
        return True
    try:
        return import_string(backend) is cls if isinstance(backend, str) else backend is cls
    except ImportError:
        return False


def public_path(cls: type[Any]) -> str:
    """Return where a class is imported from; one of ours from the outermost place, which stays when modules are cut."""
    package, *below = cls.__module__.split(".")
    if package == "django_fsspec_storages":
        for count in range(len(below)):
            module = ".".join([package, *below[:count]])
            if getattr(import_module(module), cls.__qualname__, None) is cls:
                return f"{module}.{cls.__qualname__}"
    return f"{cls.__module__}.{cls.__qualname__}"


class Aliased(Configured):
    """A storage that deconstructs and pickles to its alias, and never puts a secret into a migration.

    Not ``@deconstructible``: that replaces the class's own ``deconstruct``, and users decorate their subclasses.
    """

    _given: tuple[tuple[Any, ...], dict[str, Any]]

    #: Attributes that only save work: left out of pickles.
    caches: ClassVar[frozenset[str]] = frozenset({"_below", "_given", "_last", "_sound"})

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__["_given"] = (args, kwargs)
        return self

    @property
    def given(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The constructor's arguments. With their secrets."""
        return self._given

    @property
    def alias(self) -> str | None:
        """The alias of ``STORAGES`` that this storage is, if it is one."""
        return alias_of(cast("Storage", self))

    @property
    def shown_alias(self) -> str | None:
        """The same for messages, which may be of a storage that is still being made."""
        return alias_of(cast("Storage", self), make=False)

    @property
    def _constructor_args(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        # Read by the deconstruct() that Django's decorator puts on a subclass.
        args, kwargs = self.named_arguments()
        secrecy = {option.key: option.secret for option in type(self).declared_options().values()}
        for option in type(self).declared_options().values():
            secrecy.update((old.name, option.secret) for old in option.legacy)
        return args, {
            name: value for name, value in kwargs.items() if not secrecy.get(name, _sounds_secret(name))
        }

    @_constructor_args.setter
    def _constructor_args(self, value: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
        self.__dict__["_given"] = value  # set by Django's decorator

    def named_arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the constructor's arguments by their names, where they have any."""
        args, kwargs = self._given
        constructor: Any = type(self).__init__
        parameters = list(inspect.signature(constructor).parameters.values())[1 : len(args) + 1]
        if len(parameters) < len(args) or any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters):
            return args, kwargs
        return (), {**{p.name: value for p, value in zip(parameters, args, strict=True)}, **kwargs}

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Return what a migration needs: the alias, or else the class and its arguments without secrets.

        :raises ValueError: if there is no alias and the class cannot be imported.
        """
        alias = self.alias
        if alias is not None:
            return "django_fsspec_storages.stored", (alias,), {}
        cls = type(self)
        if getattr(import_module(cls.__module__), cls.__qualname__, None) is not cls:
            raise ValueError(
                f"A migration cannot import {cls.__qualname__} from {cls.__module__}. Move the class to the top of a "
                "module, or give the storage an alias in STORAGES."
            )
        args, kwargs = self._constructor_args
        return public_path(cls), args, kwargs

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not isinstance(other, Aliased):
            return NotImplemented
        return self._given == other._given and self._assigned() == other._assigned()

    def __hash__(self) -> int:
        return hash((type(self), len(self._given[0]), frozenset(self._given[1])))

    def _assigned(self) -> dict[str, Any]:
        """Return the options that were set on this object, by whomever."""
        return {name: self.__dict__[name] for name in type(self).declared_options() if name in self.__dict__}

    def __reduce__(self) -> tuple[Any, ...]:
        args, kwargs = self._given
        fresh = vars(type(self)(*args, **kwargs))
        changed = {
            name: value
            for name, value in vars(self).items()
            if not self._is_cache(name) and not (name in fresh and fresh[name] == value)
        }
        alias = self.alias
        if alias is not None and not changed:
            return stored, (alias,)
        return _rebuilt, (type(self), args, kwargs), changed

    def _is_cache(self, name: str) -> bool:
        attribute = getattr(type(self), name, None)
        return name in self.caches or isinstance(attribute, (cached_property, functools.cached_property))

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = self.__copy__()
        memo[id(self)] = twin
        for name, value in vars(self).items():
            if name == "_given" or not self._is_cache(name):
                twin.__dict__[name] = copy.deepcopy(value, memo)
        return twin


def _sounds_secret(name: str) -> bool:
    """Tell whether Django would hide a setting of this name: all that is known of a project's own options."""
    from django.views.debug import SafeExceptionReporterFilter

    return SafeExceptionReporterFilter.hidden_settings.search(name) is not None


def _rebuilt(cls: type[Aliased], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Aliased:
    return cls(*args, **kwargs)


def names_storages() -> bool:
    """Tell whether the project has a ``STORAGES`` of its own."""
    configured: Any = settings
    return bool(configured.is_overridden("STORAGES"))


def legacy_aliases() -> dict[str, dict[str, Any]]:
    """Return the aliases that the old settings fill, in the form of ``STORAGES``: those that STORAGES does not name."""
    named = settings.STORAGES if names_storages() else {}
    return {
        alias: {"BACKEND": getattr(settings, setting)}
        for setting, alias in LEGACY_SETTINGS.items()
        if getattr(settings, setting, None) and alias not in named
    }


def honour_legacy_settings() -> None:
    """Have every ``StorageHandler`` look at ``DEFAULT_FILE_STORAGE`` and ``STATICFILES_STORAGE``, alias by alias.

    Django dropped them in 5.1. The handler's ``backends`` is where it reads ``STORAGES``; whoever resets that (tests
    do, on ``setting_changed``) makes it look again.
    """
    backends: Any = cached_property(_backends)
    backends.__set_name__(StorageHandler, "backends")
    StorageHandler.backends = backends  # type: ignore[method-assign]
    setting_changed.connect(_legacy_setting_changed, dispatch_uid="django_fsspec_storages.aliases")
    _forget_storages()


def _backends(handler: Any) -> dict[str, Any]:
    if handler._backends is None:
        handler._backends = {**settings.STORAGES, **legacy_aliases()}
    backends: dict[str, Any] = handler._backends
    return backends


def _legacy_setting_changed(*, setting: str, **kwargs: Any) -> None:
    if setting in LEGACY_SETTINGS:
        _forget_storages()


def _forget_storages() -> None:
    from django.contrib.staticfiles.storage import staticfiles_storage

    handler: Any = storages
    handler.__dict__.pop("backends", None)
    handler._backends = None
    handler._storages = {}
    lazies: tuple[Any, ...] = (default_storage, staticfiles_storage)
    for lazy in lazies:
        lazy._wrapped = empty
