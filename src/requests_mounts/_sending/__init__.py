"""What a policy does to a request."""
