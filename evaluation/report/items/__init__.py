"""Every item of a comparison on a page of its own place, and the list that finds it."""
