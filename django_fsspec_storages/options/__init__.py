"""Options, declared once and used everywhere: looked up, checked, masked, documented from the same line."""

from django_fsspec_storages.options.configured import Configured, UnknownOption
from django_fsspec_storages.options.option import Found, Legacy, Option

__all__ = ["Configured", "Found", "Legacy", "Option", "UnknownOption"]
