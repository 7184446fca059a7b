"""Corpus steps: one rule a file, each a datatrove step."""
