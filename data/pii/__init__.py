"""Personal values in text: rules by country, found by name, masked by typed placeholders."""
