"""Which language and register a text is in: CLD2, word lists, and a second model by choice."""
