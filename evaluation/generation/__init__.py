"""Replies of a checkpoint in memory, many prompts at a time."""
