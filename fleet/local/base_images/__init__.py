"""Stand-ins for base images, where no registry has them."""
