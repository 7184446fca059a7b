"""Proprietary models and rented Llama, each through its vendor's own SDK."""
