"""Blind comparison by people: what they are shown, what they said, and how far they agree."""
