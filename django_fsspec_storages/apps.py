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
        _let_legacy_settings_name_static_files()

    def ready(self) -> None:
        """Register the system checks."""
        from django_fsspec_storages.checks import check_fields, check_storages

        checks.register(check_storages, checks.Tags.files)
        checks.register(check_fields, checks.Tags.files)


def _let_legacy_settings_name_static_files() -> None:
    """Have Django's check for the alias ``staticfiles`` (E005) know of ``STATICFILES_STORAGE``."""
    from importlib import import_module

    static_apps: Any = import_module("django.contrib.staticfiles.apps")
    djangos = static_apps.check_storages

    def check_storages(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
        from django_fsspec_storages.aliases import legacy_aliases

        return [] if "staticfiles" in legacy_aliases() else djangos(app_configs, **kwargs)

    static_apps.check_storages = (
        check_storages  # registered by its ready(), which comes after every __init__()
    )
