"""An app with files, for the tests."""
