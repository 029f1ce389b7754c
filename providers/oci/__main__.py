"""`python -m providers.oci` is the plugin."""

from providers.oci.serve import main

main()
