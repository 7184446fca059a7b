"""The page a reviewer decides with: one self-contained file that opens from disk."""
