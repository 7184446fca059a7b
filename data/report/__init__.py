"""The page that shows what became of a corpus: opens from disk, no network, no script."""
