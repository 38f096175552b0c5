"""Storage as cookiecutter-django sets it up on AWS since Django 4.2, with ``storages.`` changed to ours.

https://github.com/cookiecutter/cookiecutter-django, ``config/settings/production.py``
"""

import os

from tests.backends.project.base import *  # noqa: F403

INSTALLED_APPS += ["django_fsspec_storages"]  # noqa: F405

AWS_ACCESS_KEY_ID = os.environ["DJANGO_AWS_ACCESS_KEY_ID"]
AWS_SECRET_ACCESS_KEY = os.environ["DJANGO_AWS_SECRET_ACCESS_KEY"]
AWS_STORAGE_BUCKET_NAME = os.environ["DJANGO_AWS_STORAGE_BUCKET_NAME"]
AWS_QUERYSTRING_AUTH = False
WEEK = 60 * 60 * 24 * 7
AWS_S3_OBJECT_PARAMETERS = {"CacheControl": f"max-age={WEEK}, s-maxage={WEEK}, must-revalidate"}
AWS_S3_MAX_MEMORY_SIZE = int(os.environ.get("DJANGO_AWS_S3_MAX_MEMORY_SIZE", "100000000"))
AWS_S3_REGION_NAME = os.environ.get("DJANGO_AWS_S3_REGION_NAME")
AWS_S3_CUSTOM_DOMAIN = os.environ.get("DJANGO_AWS_S3_CUSTOM_DOMAIN")
DOMAIN = AWS_S3_CUSTOM_DOMAIN or f"{AWS_STORAGE_BUCKET_NAME}.s3.amazonaws.com"

STORAGES = {
    "default": {
        "BACKEND": "django_fsspec_storages.backends.s3.S3Storage",
        "OPTIONS": {"location": "media", "file_overwrite": False},
    },
    "staticfiles": {
        "BACKEND": "django_fsspec_storages.backends.s3.S3Storage",
        "OPTIONS": {"location": "static"},
    },
}
MEDIA_URL = f"https://{DOMAIN}/media/"
STATIC_URL = f"https://{DOMAIN}/static/"
