"""Memory, time, price and disk of a run, before it is queued."""
