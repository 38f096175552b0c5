"""The app: system checks, and the two settings that Django dropped."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks

__all__ = ["FsspecStoragesConfig"]


class FsspecStoragesConfig(AppConfig):
    """Configuration of ``django_fsspec_storages`` in ``INSTALLED_APPS``."""

    name = "django_fsspec_storages"
    verbose_name = "fsspec storages"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Not in ready(): models that are imported before it already ask for storages.
        from django_fsspec_storages.aliases import honour_legacy_settings

        honour_legacy_settings()

    def ready(self) -> None:
        """Register the system checks."""
        from django_fsspec_storages.checks import check_fields, check_storages

        checks.register(check_storages, checks.Tags.files)
        checks.register(check_fields, checks.Tags.files)
