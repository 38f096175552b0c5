"""Kinds of options that S3 needs beside the common one: what text may stand for, and settings that became one."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.conf import settings

from django_fsspec_storages.options import Found, Option
from django_fsspec_storages.options.option import is_unset

__all__ = [
    "Combined",
    "Credential",
    "Flexible",
    "Former",
    "Idle",
    "Key",
    "ObjectParameters",
    "config_attribute",
    "switch",
]

T = TypeVar("T")

_SWITCH: Option[bool] = Option(type=bool, doc="")


def switch(value: Any) -> Any:
    """Return a word for yes or no as a bool, and everything else as it is."""
    return _SWITCH.convert(value)


class Flexible(Option[T]):
    """Text may be a JSON object where a dict is wanted, and a word for yes or no where text and a bool are."""

    def convert(self, value: Any) -> Any:
        """See :meth:`Option.convert`."""
        if isinstance(value, str):
            if dict in self.types:
                return _from_json(value)
            if bool in self.types:
                return switch(value)
        return super().convert(value)


def _from_json(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # which is refused for its type, unseen


class Former(NamedTuple):
    """What old settings amount to.

    :param value: of today; None if they say nothing.
    :param used: the settings that said so, to be warned of.
    """

    value: Any
    used: tuple[str, ...]


class Combined(Flexible[T], Generic[T]):
    """An option that several old settings amount to together; those are named as its ``legacy``.

    :param combine: from the old settings that are set, by name, to what they amount to.
    """

    def __init__(self, *names: str, combine: Callable[[Mapping[str, Any]], Former], **rest: Any) -> None:
        super().__init__(*names, **rest)
        self.combine = combine

    def _find(self) -> Found | None:
        return self._current() or self._former()

    def _current(self) -> Found | None:
        for name in self.names:
            value = getattr(settings, name, None)
            if not is_unset(value):
                return Found(self.convert(value), f"the setting {name}")
        return None

    def _former(self) -> Found | None:
        old = {old.name: getattr(settings, old.name, None) for old in self.legacy if not old.keyword}
        value, used = self.combine({name: value for name, value in old.items() if not is_unset(value)})
        for name in used:
            self.warn(name)
        if is_unset(value):
            return None
        return Found(self.convert(value), f"the setting{'s' * (len(used) > 1)} {' and '.join(used)}")


class ObjectParameters(Combined["dict[str, Any]"]):
    """Old settings count beside the new one, which wins key by key: encryption is not lost because another is set."""

    #: What the old settings amount to; counts beside OPTIONS and attributes too.
    former: Mapping[str, Any] = {}

    def _find(self) -> Found | None:
        current, former = self._current(), self._former()
        self.former = former.value if former is not None else {}
        if former is None or (current is not None and not isinstance(current.value, dict)):
            return current
        if current is None:
            return former
        return Found({**former.value, **current.value}, f"{current.source} and {former.source}")


class Credential(Option["str | None"]):
    """Knows what the environment says even where the settings say something else: a pair has one source."""

    #: What the environment says, by variable.
    environment: Mapping[str, str] = {}
    #: Whether the value is the environment's.
    from_environment = False

    def _find(self) -> Found | None:
        found = super()._find()
        self.environment = {name: value for name in self.names if (value := os.environ.get(name))}
        self.from_environment = bool(self.environment) and all(
            is_unset(getattr(settings, name, None)) for name in self.names
        )
        return found


class Key(Option["str | bytes | os.PathLike[str] | None"]):
    """A private key: text that is no PEM names a file."""

    def convert(self, value: Any) -> Any:
        """See :meth:`Option.convert`."""
        return Path(value) if isinstance(value, str) and value and "-----BEGIN" not in value else value


class Idle(Flexible[T], Generic[T]):
    """An option that is accepted, and has no effect here.

    :param why: the reason, as the end of a sentence.
    """

    def __init__(self, *names: str, why: str, **rest: Any) -> None:
        super().__init__(*names, **rest)
        self.why = why


def config_attribute(storage: Any) -> Any:
    """Return what a project's class has as ``config``: once the way to give the SDK its configuration."""
    config = getattr(storage, "config", None)
    if config is not None:
        _warn_of_config(cast("Hashable", type(storage)))
    return config


@cache
def _warn_of_config(cls: Any) -> None:
    warnings.warn(
        f"{cls.__name__}.config is an old name: use client_config instead.", DeprecationWarning, stacklevel=2
    )
