"""Values only; this file lets Hydra find the folder as ``pkg://lokal.configs``."""
