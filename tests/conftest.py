"""What holds for every test."""

from hypothesis import settings

# No test asserts a time, and Hypothesis by default does: 200 ms an example.
settings.register_profile("fleet", deadline=None)
settings.load_profile("fleet")
