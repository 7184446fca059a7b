"""Model stacks, methods, strategies and the loop that trains them."""
