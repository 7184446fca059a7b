"""The repository root is the package ``lokal``: its folders are the sub-packages."""

__version__ = "0.1.0"
