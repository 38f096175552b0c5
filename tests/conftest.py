"""Sets Django up for every test but those of ``tests/nodjango``, which run without this file where there is no Django."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

#: The real servers.
pytest_plugins = ["tests.servers.fixtures"]
