"""Jobs on a cluster, and what they need before they are queued; one floor above training."""
