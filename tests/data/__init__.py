"""Data libraries on storages."""
