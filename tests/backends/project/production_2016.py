"""Storage as cookiecutter-django set it up on AWS in 2016, for boto 2: the settings are full of what is gone today."""

import os

from django_fsspec_storages.backends.s3boto import S3BotoStorage
from tests.backends.project.base import *  # noqa: F403

INSTALLED_APPS += ["django_fsspec_storages"]  # noqa: F405


class OrdinaryCallingFormat:
    """Stands for ``boto.s3.connection.OrdinaryCallingFormat``: boto 2 does not run on today's Python."""


AWS_ACCESS_KEY_ID = os.environ["DJANGO_AWS_ACCESS_KEY_ID"]
AWS_SECRET_ACCESS_KEY = os.environ["DJANGO_AWS_SECRET_ACCESS_KEY"]
AWS_STORAGE_BUCKET_NAME = os.environ["DJANGO_AWS_STORAGE_BUCKET_NAME"]
AWS_AUTO_CREATE_BUCKET = True
AWS_QUERYSTRING_AUTH = False
AWS_S3_CALLING_FORMAT = OrdinaryCallingFormat()
AWS_HEADERS = {"Cache-Control": b"max-age=604800, s-maxage=604800, must-revalidate"}
AWS_PRELOAD_METADATA = True

StaticRootS3BotoStorage = lambda: S3BotoStorage(location="static")  # noqa: E731
MediaRootS3BotoStorage = lambda: S3BotoStorage(location="media", file_overwrite=False)  # noqa: E731
DEFAULT_FILE_STORAGE = f"{__name__}.MediaRootS3BotoStorage"
STATICFILES_STORAGE = f"{__name__}.StaticRootS3BotoStorage"
MEDIA_URL = f"https://s3.amazonaws.com/{AWS_STORAGE_BUCKET_NAME}/media/"
STATIC_URL = f"https://s3.amazonaws.com/{AWS_STORAGE_BUCKET_NAME}/static/"
