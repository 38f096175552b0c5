"""A small Django site that keeps its files with FsspecStorage: ``python -m tests.demo``."""
