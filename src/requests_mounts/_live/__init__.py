"""A session in operation: its numbers, what they advise, and its reload."""
