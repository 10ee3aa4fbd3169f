"""Which prefix a URL belongs to; needs neither requests nor a network."""
