"""One runnable recipe per file; ``entry`` is the only file that knows Hydra."""
