"""The types that users see: checked by mypy, never run. An ignore that is not needed is an error there."""
