"""Tests of the providers' backends."""
