"""A TOML file becomes a `Config`."""
