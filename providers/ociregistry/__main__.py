"""`python -m providers.ociregistry` is the plugin."""

from providers.ociregistry.plugin import main

main()
