"""The command line, ``python -m fleet COMMAND``."""
