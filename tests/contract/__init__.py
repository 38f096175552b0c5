"""The contract suite: what every storage promises, tested on every backend of ``backends.py``, sync and async.

A test takes ``storage`` (empty, in a folder of its own), ``calls`` (the storage in one of two colours), ``seed`` (files
that are there already, on read-only backends too) or ``space`` (all of it). What a backend cannot promise is declared in
``django_fsspec_storages.filesystems.promises`` or in ``deviations.py``, and must be observed: a test that a backend was
declared to fail fails if it passes.
"""
