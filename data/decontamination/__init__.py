"""Keeps benchmarks' items out of training: hashed lists of them, and the search in rows."""
