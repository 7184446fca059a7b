"""Personal values in running text: rules by country, found by name, masked by typed placeholders."""
