"""Sets Django up for every test but those of ``tests/nodjango``, which run without this file where there is no Django."""

from __future__ import annotations

import os

import django

from tests.support.examples import never_too_slow

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
never_too_slow()

#: The real servers.
pytest_plugins = ["tests.servers.fixtures"]
