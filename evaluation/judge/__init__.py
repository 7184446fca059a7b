"""Judges of open replies, and how far each may be trusted: docs/judging.md."""
