"""One option: where its value comes from, and what is wrong with it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, Self, TypeVar, cast, overload

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.functional import Promise

__all__ = ["Found", "Legacy", "Option", "generation", "is_unset"]

T = TypeVar("T")

_generation = 0  # raised when a setting changes, and by a fork: what was looked up before counts no more

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


def _begin_generation(**kwargs: Any) -> None:
    global _generation
    _generation += 1


def generation() -> int:
    """Return a number that grows whenever a setting changes, and in a forked child, which shares no connection."""
    return _generation


setting_changed.connect(_begin_generation, dispatch_uid="django_fsspec_storages.options")
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_generation)


class Legacy(NamedTuple):
    """A former name of an option.

    :param name: of a setting, or, with ``keyword``, of a constructor argument.
    :param translate: from the old value to the new; as it is if None.
    """

    name: str
    translate: Callable[[Any], Any] | None = None
    keyword: bool = False


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
    :param check: returns what is wrong with a value of the right type, if anything is.
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
        check: Callable[[Any], str | None] | None = None,
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
        self.check = check
        self.key = key
        self.legacy = tuple(legacy)
        self.doc = doc
        # Generation, what was found, its value or the default, and what computes that: in one, for threads.
        self._looked_up: tuple[int, Found | None, Any, Any] = (-1, None, None, None)

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
        looked_up_in, _, value, compute = self._looked_up
        if looked_up_in != _generation:
            self.look_up()
            _, _, value, compute = self._looked_up
        read: T = value if compute is None else compute(instance)
        return read

    def look_up(self) -> Found | None:
        """Return what the settings or the environment say, or None. Cached until a setting changes."""
        generation, found, _, _ = self._looked_up
        if generation != _generation:
            generation, found = _generation, self._find()
            compute = self.default if found is None and callable(self.default) else None
            self._looked_up = (generation, found, self.default if found is None else found.value, compute)
        return found

    def forget(self) -> None:
        """Look up anew next time, and warn again of an old name."""
        self._looked_up = (-1, None, None, None)

    def _find(self) -> Found | None:
        for name in self.names:
            value = getattr(settings, name, None)
            if not is_unset(value):
                return Found(self.convert(value), f"the setting {name}")
        for old in self.legacy:
            value = None if old.keyword else getattr(settings, old.name, None)
            if not is_unset(value):
                self.warn(old.name)
                value = old.translate(value) if old.translate else value
                return Found(self.convert(value), f"the setting {old.name}")
        for name in self.names if self.env else ():
            value = os.environ.get(name)
            if not is_unset(value):
                return Found(self.convert(value), f"the environment variable {name}")
        return None

    def warn(self, old: str) -> None:
        """Warn that an old name was used, with the new spelling."""
        new = self.names[0] if self.names and old.isupper() else self.key
        warnings.warn(f"{old} is an old name: use {new} instead.", DeprecationWarning, stacklevel=2)

    def convert(self, value: Any) -> Any:
        """Return text as the option's type, where it is clear what was meant, and mappings as dicts; else as it is."""
        if dict in self.types and isinstance(value, Mapping) and not isinstance(value, dict):
            return dict(value)
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
        if value is False or is_unset(value) or isinstance(value, Promise):  # none, whatever the type
            return None
        shown = "the value" if self.secret else repr(value)
        if self.choices and value not in self.choices:
            return f"{shown} is not one of {', '.join(map(repr, self.choices))}"
        types: tuple[Any, ...] = (*self.types, Mapping) if dict in self.types else self.types
        if types and (not isinstance(value, types) or (value is True and bool not in types)):
            wanted = " or ".join(kind.__name__ for kind in self.types)
            return f"{shown} is {type(value).__name__}, not {wanted}"
        wrong = self.check(value) if self.check is not None else None
        return f"{shown} {wrong}" if wrong else None

    def is_none(self, value: Any) -> bool:
        """Tell whether a value, given or computed, stands for none: None, ``""`` and False, unless they are values."""
        if value is False:
            return bool(self.types) and bool not in self.types
        return is_unset(value) and not self.empty


def is_unset(value: Any) -> bool:
    """Tell whether a setting counts as not set: it is None or empty."""
    return value is None or (isinstance(value, str) and value == "")
