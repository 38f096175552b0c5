"""A class with options: its constructor, its errors, and where each value came from."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured

from django_fsspec_storages.options.option import Found, Option, generation

__all__ = ["Configured", "UnknownOption"]


class UnknownOption(ImproperlyConfigured):
    """A storage was given an option that it does not have."""


class Configured:
    """A class with options: takes them as keywords, refuses others by name, and says where each came from."""

    @classmethod
    def declared_options(cls) -> Mapping[str, Option[Any]]:
        """Return every option by name, those that a subclass has replaced by an attribute included."""
        return _declared(cast("Hashable", cls))

    @classmethod
    def computes(cls, name: str) -> bool:
        """Tell whether a subclass has made an option a property: its value is for now, and may need a request."""
        attribute = getattr(cls, name)
        return hasattr(attribute, "__get__") and not isinstance(attribute, Option)

    @classmethod
    def computes_some(cls) -> bool:
        """Tell whether a subclass has made any option a property."""
        return bool(_computed(cast("Hashable", cls)))

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
                raise UnknownOption(unknown_option(type(self), key, [*options, *added], options.values()))
            if key in seen:
                raise ImproperlyConfigured(
                    f"{type(self).__name__}: {seen[key]!r} and {keyword!r} are one option; give one of them."
                )
            seen[key] = keyword
            name = options[key].name if key in options else key
            self.__dict__[name] = kept
            if getattr(getattr(type(self), name, None), "fset", None) is not None:
                setattr(self, name, kept)  # a project's property that keeps what it is given
        for key, value in added.items():
            name = options[key].name if key in options else key
            if isinstance(getattr(type(self), name, None), Option) or not hasattr(type(self), name):
                self.__dict__.setdefault(name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; one that is an option is checked as in the constructor, and counts from then on."""
        if isinstance(getattr(type(self), name, None), Option):
            try:
                value = self._checked(type(self).declared_options()[name], value)
            except ImproperlyConfigured as error:
                value = None  # a debug page shows the locals of every frame: neither this one nor those below keep it
                raise error.with_traceback(None) from None
            self.__dict__.pop("_sound", None)
        super().__setattr__(name, value)

    def _checked(self, option: Option[Any], value: Any) -> Any:
        value = option.convert(value)
        fault = option.fault(value)
        if fault:
            raise ImproperlyConfigured(f"{type(self).__name__}: option {option.key!r}: {fault}.")
        return None if option.is_none(value) else value

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
        """Refuse to work with options that are wrong. Looks again only after a setting has changed, and at properties.

        :raises ImproperlyConfigured: says which, where it was set, and what to do.
        """
        now = generation()
        sound = self.__dict__.get("_sound")
        if sound == now:
            return
        computed = _computed(cast("Hashable", type(self)))
        # In a tuple it is never equal to the number: what is computed is looked at each time.
        mark = (now,) if computed else now
        if sound != mark:
            self._refuse(self.option_faults())
            self.__dict__["_sound"] = mark
        self._refuse([fault for fault in map(self._fault_of_property, computed) if fault])

    def _refuse(self, faults: list[str]) -> None:
        if faults:
            raise ImproperlyConfigured(f"{self.where()}: {'; '.join(faults)}.")

    def _fault_of_property(self, name: str) -> str | None:
        option = type(self).declared_options()[name]
        try:
            found = self.option_source(name)
        except Exception:  # noqa: BLE001 - it may not be needed here, and is raised where it is
            return None
        fault = option.fault(found.value)
        if fault is None and option.required and option.is_none(found.value):
            fault = "it is required, and there is none"
        return f"option {option.key!r}, from {found.source}: {fault}" if fault else None

    def option_source(self, name: str) -> Found:
        """Return an option's value and where it was set, in words."""
        if self.computes(name):
            return Found(getattr(self, name), f"the property {type(self).__name__}.{name}")
        return self._set_option(name) or Found(getattr(self, name), "the default")

    def _set_option(self, name: str) -> Found | None:
        """Return what somebody set an option to; None if nobody did."""
        option = type(self).declared_options()[name]
        if name in self.__dict__:
            return Found(self.__dict__[name], f"the option {option.key!r}")
        if not isinstance(getattr(type(self), name), Option):
            return Found(getattr(self, name), f"the attribute {type(self).__name__}.{name}")
        return option.look_up()

    def option_faults(self) -> list[str]:
        """Return what is wrong with the options, in sentences without secrets; no property or default is read."""
        faults = []
        for name, option in type(self).declared_options().items():
            if self.computes(name):
                continue
            found = self._set_option(name)
            fault = option.fault(found.value) if found is not None else None
            if found is not None and fault:
                faults.append(f"option {option.key!r}, from {found.source}: {fault}")
            elif option.required and option.is_none(option.default if found is None else found.value):
                faults.append(f"option {option.key!r} is required: set it in OPTIONS{_or_settings(option)}")
        return faults


@cache
def _declared(cls: Any) -> dict[str, Option[Any]]:
    found: dict[str, Option[Any]] = {}
    for base in reversed(cls.__mro__):
        found.update((name, value) for name, value in vars(base).items() if isinstance(value, Option))
    return found


@cache
def _computed(cls: Any) -> tuple[str, ...]:
    return tuple(filter(cls.computes, cls.declared_options()))


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


def unknown_option(
    cls: type[Any], name: str, known: Iterable[str], options: Iterable[Option[Any]] = ()
) -> str:
    """Return the message for an option that does not exist, with the nearest that does.

    :param options: whose settings may have been taken for keys.
    """
    for option in options:
        if name in option.names or any(name == old.name for old in option.legacy):
            return (
                f"{cls.__name__} has no option {name!r}, which is a setting: in OPTIONS it is {option.key!r}."
            )
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(sorted(known))}."
    return f"{cls.__name__} has no option {name!r}.{hint}"
