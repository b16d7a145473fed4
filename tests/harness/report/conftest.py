"""Tests in the folders below find `example` by this file, which puts its own folder on the path."""
