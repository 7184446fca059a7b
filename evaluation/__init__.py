"""Suites, systems, statistics and the report."""
