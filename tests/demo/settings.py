"""Settings of the demo. The two lines that matter to a project of yours are in STORAGES."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

#: A temporary folder, made by ``python -m tests.demo``.
FOLDER = Path(os.environ["DEMO_FOLDER"])

STORAGES = {
    # On local disk, in MEDIA_ROOT, under MEDIA_URL: as Django's own storage.
    "default": {"BACKEND": "django_fsspec_storages.FsspecStorage"},
    # Without a public address: these files are only seen through a view.
    "private": {
        "BACKEND": "django_fsspec_storages.FsspecStorage",
        "OPTIONS": {"location": FOLDER / "private", "base_url": None},
    },
    "staticfiles": {"BACKEND": "django_fsspec_storages.static.FsspecStaticStorage"},
}
MEDIA_ROOT = FOLDER / "media"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"

INSTALLED_APPS = ["django_fsspec_storages", "tests.demo"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DEBUG = True
SECRET_KEY = get_random_secret_key()
ROOT_URLCONF = "tests.demo.urls"
USE_TZ = True
TIME_ZONE = "UTC"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
