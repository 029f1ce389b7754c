"""Workflows and what else is generated for GitHub."""
