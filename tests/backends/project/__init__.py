"""A Django project that was on django-storages, and had its import prefix changed; run by ``test_s3_project``."""
