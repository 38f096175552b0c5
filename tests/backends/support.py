"""What the tests of storage on several servers share: files saved, and what the checks say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.checks import check_storages

__all__ = ["said_by_checks", "save"]


def save(storage: Any, name: str = "a.txt", content: bytes = b"content") -> str:
    """Save a file; return its name."""
    return str(storage.save(name, ContentFile(content)))


def said_by_checks(options: Mapping[str, Any], path: str, alias: str = "files") -> dict[str, str]:
    """Return what the checks say of an alias with this storage and these options, by its ids."""
    with override_settings(STORAGES={alias: {"BACKEND": path, "OPTIONS": options}}):
        return {str(message.id): f"{message.msg} {message.hint}" for message in check_storages(None)}
