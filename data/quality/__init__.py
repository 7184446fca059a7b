"""Tells prose worth training on from scraps, lists and repetition."""
