"""The ground floor: regions, documents, chat templates, manifests, text to token batches."""
