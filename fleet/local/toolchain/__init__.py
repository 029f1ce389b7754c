"""The engine, its plugins and the daemons: downloaded or built, and cached."""
