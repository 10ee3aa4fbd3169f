"""Which prefix a URL belongs to."""
