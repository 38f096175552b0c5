"""System checks over ``settings.STORAGES``: pure, no network, no SDK imported."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage, storages
from django.db.models import FileField
from django.utils.module_loading import import_string

from django_fsspec_storages.aliases import (
    LEGACY_SETTINGS,
    Aliased,
    legacy_aliases,
    names_storages,
    public_path,
)
from django_fsspec_storages.filesystems.packages import how_to_install, missing_package
from django_fsspec_storages.filesystems.promises import DEVIATIONS, Promise
from django_fsspec_storages.filesystems.registry import MENDED
from django_fsspec_storages.names import UnsafeLocation, clean_location
from django_fsspec_storages.options import UnknownOption
from django_fsspec_storages.static import FsspecStaticStorage, StaticMixin
from django_fsspec_storages.storage import FsspecStorage

__all__ = ["check_fields", "check_storages"]


def check_storages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check every alias whose BACKEND is ours, and the two settings of old."""
    messages: list[CheckMessage] = list(_check_legacy_settings())
    handler: Any = storages
    for alias, parameters in handler.backends.items():
        messages += _check_alias(alias, parameters)
    return messages


def _check_legacy_settings() -> Iterator[CheckMessage]:
    for setting, alias in LEGACY_SETTINGS.items():
        if getattr(settings, setting, None) and names_storages() and alias in settings.STORAGES:
            yield checks.Warning(
                f"{setting} is ignored: STORAGES names the alias {alias!r}.",
                hint=f"Remove {setting}, or the alias from STORAGES.",
                id="fsspec_storages.W006",
            )


def _wrong_form(parameters: Any) -> str | None:
    known = isinstance(parameters, dict) and isinstance(parameters.get("OPTIONS", {}), dict)
    if not known or not parameters.get("BACKEND"):
        return "it is not of the form {'BACKEND': 'dotted.path', 'OPTIONS': {...}}."
    for key in parameters.keys() - {"BACKEND", "OPTIONS"}:
        near = get_close_matches(str(key).upper(), ("OPTIONS", "BACKEND"), n=1, cutoff=0.8)
        hint = f"Did you mean {near[0]!r}?" if near else "An option goes into OPTIONS."
        return f"Django ignores its key {key!r}. {hint}"
    return None


def _check_alias(alias: str, parameters: Any) -> Iterator[CheckMessage]:
    wrong = _wrong_form(parameters)
    if wrong is not None:
        yield Error(f"STORAGES[{alias!r}]: {wrong}", id="fsspec_storages.E005")
        return
    backend, options = parameters["BACKEND"], parameters.get("OPTIONS", {})
    try:
        cls = import_string(backend) if isinstance(backend, str) else backend
    except ImportError as error:
        # Of others, Django will say so; what a switch to us has left is said here.
        if backend.startswith(("django_fsspec", "storages.")) or alias in legacy_aliases():
            yield Error(
                f"{_place_of(alias)}: {backend!r} cannot be imported: {error}",
                hint="Look at the spelling, and whether the package is installed.",
                id="fsspec_storages.E001",
            )
        return
    if not (isinstance(cls, type) and issubclass(cls, FsspecStorage)):
        return
    yield from _check_static(alias, cls)
    if options.get("manifest_storage") is None:
        options = {name: value for name, value in options.items() if name != "manifest_storage"}
    for option in cls.declared_options().values():
        option.forget()  # it warns of an old name only when it looks
    try:
        with warnings.catch_warnings(record=True) as legacy:
            warnings.simplefilter("always", DeprecationWarning)
            storage = cls(**options)
            faults = storage.option_faults()
    except (ImproperlyConfigured, TypeError) as error:  # a project's own __init__ may know fewer keywords
        number = 2 if isinstance(error, (UnknownOption, TypeError)) else 5
        yield Error(f"STORAGES[{alias!r}]: {error}", id=f"fsspec_storages.E00{number}")
        return
    for warning in legacy:
        if issubclass(warning.category, DeprecationWarning):
            yield checks.Warning(f"STORAGES[{alias!r}]: {warning.message}", id="fsspec_storages.W001")
    for fault in faults:
        number = 3 if "is required" in fault else 5
        yield Error(f"STORAGES[{alias!r}]: {fault}.", id=f"fsspec_storages.E00{number}")
    if not any("option 'location'" in fault for fault in faults):
        yield from _check_location(alias, storage)
    yield from _check_protocol(alias, storage)
    yield from storage.check(alias)


def _check_static(alias: str, cls: type[FsspecStorage]) -> Iterator[CheckMessage]:
    if alias == "staticfiles" and not issubclass(cls, StaticMixin):
        yield checks.Warning(
            f"STORAGES['staticfiles']: {cls.__name__} is no class for static files: it keeps them with the uploads, "
            "unless its location is another, and collectstatic --clear may leave some behind.",
            hint=f"Use {public_path(_static_class(cls))}, or put StaticMixin before your class.",
            id="fsspec_storages.W008",
        )


def _static_class(cls: type[FsspecStorage]) -> type[Any]:
    """Return the class for static files that stands beside a storage's own class, or beside one of its bases."""
    for base in cls.__mro__:
        module = sys.modules.get(base.__module__)  # none if it was made by exec, or is gone
        for other in vars(module).values() if module is not None else ():
            if not issubclass(
                type(other), type
            ):  # isinstance() would have a lazy object make what it stands for
                continue
            if issubclass(other, StaticMixin) and issubclass(other, base):
                found: type[Any] = other
                return found
    return FsspecStaticStorage


def _place_of(alias: str) -> str:
    if alias in legacy_aliases():
        return next(setting for setting, its in LEGACY_SETTINGS.items() if its == alias)
    return f"STORAGES[{alias!r}]"


def _check_location(alias: str, storage: FsspecStorage) -> Iterator[CheckMessage]:
    if storage.computes("location") or storage.computes("protocol"):
        return
    location = storage._folder_of_names()
    _, source = storage.option_source("location")
    if location is None or location is False:
        if source == "the default":  # STATIC_ROOT, which only collectstatic needs
            return
        yield Error(
            f"STORAGES[{alias!r}]: option 'location' is {location!r}, from {source}: there is no place for the files.",
            hint="'' is the root of the filesystem; on local disk, name a folder.",
            id="fsspec_storages.E003",
        )
        return
    try:
        clean_location(location, ("http", "https") if storage.protocol in ("http", "https") else ())
    except UnsafeLocation as error:
        yield Error(f"STORAGES[{alias!r}]: {error}", id="fsspec_storages.E006")


def _check_protocol(alias: str, storage: FsspecStorage) -> Iterator[CheckMessage]:
    if storage.computes("protocol") or not isinstance(storage.protocol, str | None):
        return
    protocol = storage.protocol
    if not protocol:
        _, source = storage.option_source("protocol")
        yield Error(
            f"STORAGES[{alias!r}]: option 'protocol' is empty, from {source}.", id="fsspec_storages.E003"
        )
        return
    missing = missing_package(protocol)
    if missing is not None:
        yield Error(
            f"STORAGES[{alias!r}]: protocol {protocol!r} needs {missing}, which is not installed.",
            hint=how_to_install(protocol, missing),
            id="fsspec_storages.E001",
        )
    elif not _is_known(protocol):
        yield Error(
            f"STORAGES[{alias!r}]: fsspec knows no protocol {protocol!r}.",
            hint="fsspec.available_protocols() lists them.",
            id="fsspec_storages.E007",
        )
    elif Promise.FRESH in DEVIATIONS.get(protocol, {}):
        yield checks.Warning(
            f"STORAGES[{alias!r}]: protocol {protocol!r} is not fresh: {DEVIATIONS[protocol][Promise.FRESH]}.",
            hint="Use it only for files that never change under their name.",
            id="fsspec_storages.W007",
        )


def _is_known(protocol: str) -> bool:
    from fsspec import available_protocols

    return protocol in MENDED or protocol in available_protocols()


def check_fields(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of model fields whose storage has a secret that no migration can keep."""
    messages: list[CheckMessage] = []
    for model in apps.get_models():
        for field in model._meta.local_fields:
            storage = getattr(field, "storage", None)
            if not isinstance(field, FileField) or storage is default_storage:  # lazy: looked at by its alias
                continue
            if not isinstance(storage, Aliased) or storage.alias is not None:
                continue
            hidden = set(storage.named_arguments()[1]) - set(storage._constructor_args[1])
            if hidden:
                messages.append(
                    checks.Warning(
                        f"The storage of {model._meta.label}.{field.name} is given "
                        f"{', '.join(sorted(hidden))} directly; its migrations leave that out.",
                        hint="Configure the storage as an alias in STORAGES and use storages['…'] for the field.",
                        obj=field,
                        id="fsspec_storages.W004",
                    )
                )
    return messages
