"""The project that the workers of a dask cluster set up."""

import os

ROOT = os.environ["CLUSTER_ROOT"]
SECRET = "hunter2"

INSTALLED_APPS = ["django_fsspec_storages"]
STORAGES = {
    "default": {
        "BACKEND": "django_fsspec_storages.FsspecStorage",
        "OPTIONS": {"location": f"{ROOT}/default", "storage_options": {"token": SECRET}},
    },
    "django": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{ROOT}/django"},
    },
}
