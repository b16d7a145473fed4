"""Lets the tests in the folders below import `numeric`: pytest puts the folder of each conftest on the path."""
