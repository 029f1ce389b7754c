"""`python -m providers.ociregistry` is the plugin."""

from providers.ociregistry.serve import main

main()
