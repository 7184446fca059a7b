"""Takes out what is no text: damage, markup, hard wraps, lines that a source repeats."""
