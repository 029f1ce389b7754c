"""Registry and builder as containers of a Docker engine, for those who are not root on Linux."""
