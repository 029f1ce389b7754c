"""What a maintainer runs beside ``pulumi up``: restore a name, adopt a registry, prune it."""
