"""Django's own storage tests, run with our storages in place of Django's: ``python -m tests.upstream 5.2``."""
