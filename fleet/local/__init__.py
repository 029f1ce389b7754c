"""The embedded default: what a fresh clone needs before and around the engine.

Everything hangs on the checkout directory and on one per-user cache; nothing else is touched.
"""
