"""Who is better, at what, in which language: every figure of ``results.json``."""
