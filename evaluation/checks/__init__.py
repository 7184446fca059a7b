"""Deterministic checks of a generated answer, before any judge reads it."""
