"""A TOML file becomes a `Config`; needs neither requests nor a network."""
