"""Options, declared once and used everywhere: looked up, checked, masked, documented from the same line."""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, Self, TypeVar, cast, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.functional import Promise

__all__ = ["Configured", "Found", "Legacy", "Option", "UnknownOption"]

T = TypeVar("T")

_UNSET: Any = type("Unset", (), {"__repr__": lambda self: "UNSET"})()
_generation = 0  # raised when a setting changes: what was looked up before counts no more

_WORDS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def _settings_changed(**kwargs: Any) -> None:
    global _generation
    _generation += 1


setting_changed.connect(_settings_changed, dispatch_uid="django_fsspec_storages.options")


class Legacy(NamedTuple):
    """A former name of an option.

    :param name: of a setting, or, with ``keyword``, of a constructor argument.
    :param translate: from the old value to the new; as it is if None.
    """

    name: str
    translate: Callable[[Any], Any] | None = None
    keyword: bool = False


class UnknownOption(ImproperlyConfigured):
    """A storage was given an option that it does not have."""


class Found(NamedTuple):
    """A value and where it was set, in words."""

    value: Any
    source: str


class Option(Generic[T]):
    """One option of a storage: a non-data descriptor, so a keyword and a subclass's attribute or property come first.

    Looked up when used: constructor keyword (kept in the instance's ``__dict__``), attribute or property of a subclass,
    the settings in their order, the environment, the default. A setting or variable that is None or empty counts as not
    set. Reading never raises.

    :param names: the Django settings, in the order they are asked.
    :param default: the value if nothing sets it; a function is called with the storage.
    :param type: the class, or classes, of a value; text from the environment is converted to the first.
    :param env: whether the environment is asked too, by the same names.
    :param secret: whether it is masked wherever it could be seen.
    :param required: whether the storage cannot work without; enforced by the checks and when it is needed.
    :param empty: whether ``""`` is a value and not "none".
    :param choices: the values allowed.
    :param key: its key in ``OPTIONS``, where that is not its name.
    :param legacy: former names, which warn.
    :param doc: one sentence for the manual, in Markdown.
    """

    name = ""

    def __init__(
        self,
        *names: str,
        default: T | Callable[[Any], T] = cast("Any", None),  # noqa: B008
        type: type[Any] | tuple[type[Any], ...] | None = None,
        env: bool = False,
        secret: bool = False,
        required: bool = False,
        empty: bool = False,
        choices: tuple[Any, ...] = (),
        key: str = "",
        legacy: Iterable[Legacy] = (),
        doc: str,
    ) -> None:
        self.names = names
        self.default = default
        self.types = type if isinstance(type, tuple) else (type,) if type is not None else ()
        self.env = env
        self.secret = secret
        self.required = required
        self.empty = empty
        self.choices = choices
        self.key = key
        self.legacy = tuple(legacy)
        self.doc = doc
        self._looked_up: tuple[int, Found | None] = (-1, None)

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name
        self.key = self.key or name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Self | T:
        if instance is None:
            return self
        found = self.look_up()
        if found is not None:
            return cast("T", found.value)
        default = self.default
        if callable(default):
            value: T = default(instance)
            return value
        return default

    def look_up(self) -> Found | None:
        """Return what the settings or the environment say, or None. Cached until a setting changes."""
        generation, found = self._looked_up
        if generation != _generation:
            generation, found = _generation, self._find()
            self._looked_up = (generation, found)
        return found

    def forget(self) -> None:
        """Look up anew next time, and warn again of an old name."""
        self._looked_up = (-1, None)

    def _find(self) -> Found | None:
        for name in self.names:
            value = getattr(settings, name, None)
            if not _is_unset(value):
                return Found(self.convert(value), f"the setting {name}")
        for old in self.legacy:
            value = None if old.keyword else getattr(settings, old.name, None)
            if not _is_unset(value):
                self.warn(old.name)
                value = old.translate(value) if old.translate else value
                return Found(self.convert(value), f"the setting {old.name}")
        for name in self.names if self.env else ():
            value = os.environ.get(name)
            if not _is_unset(value):
                return Found(self.convert(value), f"the environment variable {name}")
        return None

    def warn(self, old: str) -> None:
        """Warn that an old name was used, with the new spelling."""
        new = self.names[0] if self.names and old.isupper() else self.key
        warnings.warn(f"{old} is an old name: use {new} instead.", DeprecationWarning, stacklevel=2)

    def convert(self, value: Any) -> Any:
        """Return text as the option's type, where it is clear what was meant; everything else as it is."""
        if not isinstance(value, str) or not self.types or str in self.types:
            return value
        kind = self.types[0]
        if kind is bool:
            return _WORDS.get(value.strip().lower(), value)
        if kind in (int, float):
            try:
                return int(value, 0) if kind is int else float(value)  # "0644" could be either: refused
            except ValueError:
                return value
        return value

    def fault(self, value: Any) -> str | None:
        """Return what is wrong with a value, without showing it if it is secret; None if nothing is."""
        if value is False or _is_unset(value) or isinstance(value, Promise):  # none, whatever the type
            return None
        shown = "the value" if self.secret else repr(value)
        if self.choices and value not in self.choices:
            return f"{shown} is not one of {', '.join(map(repr, self.choices))}"
        if self.types and (not isinstance(value, self.types) or (value is True and bool not in self.types)):
            wanted = " or ".join(kind.__name__ for kind in self.types)
            return f"{shown} is {type(value).__name__}, not {wanted}"
        return None


def _is_unset(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value == "")


class Configured:
    """A class with options: takes them as keywords, refuses others by name, and says where each came from."""

    @classmethod
    def declared_options(cls) -> dict[str, Option[Any]]:
        """Return every option by name, those that a subclass has replaced by an attribute included."""
        found: dict[str, Option[Any]] = {}
        for base in reversed(cls.__mro__):
            found.update((name, value) for name, value in vars(base).items() if isinstance(value, Option))
        return found

    @classmethod
    def computes(cls, name: str) -> bool:
        """Tell whether a subclass has made an option a property: its value is for now, and may need a request."""
        attribute = getattr(cls, name)
        return hasattr(attribute, "__get__") and not isinstance(attribute, Option)

    def get_default_settings(self) -> dict[str, Any]:
        """Return option keys and values. A subclass may add keys of its own, which OPTIONS may then set."""
        cls = type(self)
        options = cls.declared_options().items()
        return {o.key: getattr(self, name) for name, o in options if isinstance(getattr(cls, name), Option)}

    def configure(self, given: Mapping[str, Any]) -> None:
        """Keep the constructor's keywords.

        :raises ImproperlyConfigured: if there is no such option, the value has the wrong type, or an option is given
            by two of its names.
        """
        options = {option.key: option for option in type(self).declared_options().values()}
        added = self._added_settings()
        seen: dict[str, str] = {}
        for keyword, value in given.items():
            key, kept = _modern(options, keyword, value)
            if key in options:
                kept = self._checked(options[key], kept)
            elif key not in added:
                raise UnknownOption(unknown_option(type(self), key, [*options, *added]))
            if key in seen:
                raise ImproperlyConfigured(
                    f"{type(self).__name__}: {seen[key]!r} and {keyword!r} are one option; give one of them."
                )
            seen[key] = keyword
            self.__dict__[options[key].name if key in options else key] = kept
        for key, value in added.items():
            name = options[key].name if key in options else key
            if isinstance(getattr(type(self), name, _UNSET), (Option, type(_UNSET))):
                self.__dict__.setdefault(name, value)

    def _checked(self, option: Option[Any], value: Any) -> Any:
        value = option.convert(value)
        fault = option.fault(value)
        if fault:
            raise ImproperlyConfigured(f"{type(self).__name__}: option {option.key!r}: {fault}.")
        if value is False:
            return None if option.types and bool not in option.types else False
        return None if _is_unset(value) and not option.empty else value

    def _added_settings(self) -> dict[str, Any]:
        """Return what a subclass's ``get_default_settings`` says beyond, or otherwise than, the options themselves."""
        if type(self).get_default_settings is Configured.get_default_settings:
            return {}
        ours = Configured.get_default_settings(self)
        theirs = self.get_default_settings().items()
        return {k: v for k, v in theirs if k not in ours or (ours[k] is not v and ours[k] != v)}

    def where(self) -> str:
        """Return how messages call this object; never a secret."""
        return type(self).__name__

    def require_options(self) -> None:
        """Refuse to work with options that are wrong. Looks again only after a setting has changed.

        :raises ImproperlyConfigured: says which, where it was set, and what to do.
        """
        if self.__dict__.get("_sound") != _generation:
            generation, faults = _generation, self.option_faults()
            if faults:
                raise ImproperlyConfigured(f"{self.where()}: {'; '.join(faults)}.")
            self.__dict__["_sound"] = generation

    def option_source(self, name: str) -> Found:
        """Return an option's value and where it was set, in words."""
        option = type(self).declared_options()[name]
        if self.computes(name):
            return Found(getattr(self, name), f"the property {type(self).__name__}.{name}")
        if name in self.__dict__:
            return Found(self.__dict__[name], f"the option {option.key!r}")
        if not isinstance(getattr(type(self), name), Option):
            return Found(getattr(self, name), f"the attribute {type(self).__name__}.{name}")
        return option.look_up() or Found(getattr(self, name), "the default")

    def option_faults(self) -> list[str]:
        """Return what is wrong with the options, in sentences without secrets; properties are not read."""
        faults = []
        for name, option in type(self).declared_options().items():
            if self.computes(name):
                continue
            value, source = self.option_source(name)
            fault = option.fault(value)
            if fault:
                faults.append(f"option {option.key!r}, from {source}: {fault}")
            elif option.required and _is_unset(value):
                faults.append(f"option {option.key!r} is required: set it in OPTIONS{_or_settings(option)}")
        return faults


def _or_settings(option: Option[Any]) -> str:
    return f" or as {' or '.join(option.names)}" if option.names else ""


def _modern(options: Mapping[str, Option[Any]], keyword: str, value: Any) -> tuple[str, Any]:
    """Return the key and value of today for a keyword, which may be an old name."""
    if keyword in options:
        return keyword, value
    for key, option in options.items():
        for old in option.legacy:
            if old.keyword and old.name == keyword:
                option.warn(keyword)
                return key, old.translate(value) if old.translate else value
    return keyword, value


def unknown_option(cls: type[Any], name: str, known: Iterable[str]) -> str:
    """Return the message for an option that does not exist, with the nearest that does."""
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(sorted(known))}."
    return f"{cls.__name__} has no option {name!r}.{hint}"
