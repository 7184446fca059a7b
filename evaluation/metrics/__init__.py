"""What a reply is worth beside its references: pure functions, no model and no network."""
