"""The project that the workers of a dask cluster set up, with its files in a bucket."""

import os

INSTALLED_APPS = ["django_fsspec_storages"]
STORAGES = {
    "default": {
        "BACKEND": "django_fsspec_storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": os.environ["CLUSTER_BUCKET"],
            "location": "media",
            "endpoint_url": os.environ["CLUSTER_ENDPOINT"],
            "region_name": "us-east-1",
            "access_key": os.environ["CLUSTER_KEY"],
            "secret_key": os.environ["CLUSTER_SECRET"],
        },
    }
}
