"""Settings of the test suite. Whatever a test needs beyond them it says itself, with ``override_settings``."""

SECRET_KEY = "of no account"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"

INSTALLED_APPS = ["django.contrib.staticfiles", "django_fsspec_storages", "tests.app"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

#: A machine that runs tests beside others stalls for longer than the default.
FSSPEC_STORAGE_CONNECT_TIMEOUT = FSSPEC_STORAGE_READ_TIMEOUT = 120

MEDIA_URL = "/media/"
STATIC_URL = "/static/"
STORAGES = {
    "default": {
        "BACKEND": "django_fsspec_storages.FsspecStorage",
        "OPTIONS": {"protocol": "memory", "storage_options": {"space": "default"}},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
