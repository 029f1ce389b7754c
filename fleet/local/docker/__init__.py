"""Registry and builder as containers of a Docker engine."""
