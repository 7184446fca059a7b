"""Tools: small commands with argparse, run as ``lokal <tool>``."""
