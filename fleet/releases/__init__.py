"""The one door to the outside: what PyPI and base registries say, written into locks."""
