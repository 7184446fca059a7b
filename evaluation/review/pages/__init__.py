"""Templates, style and script of the review pages."""
