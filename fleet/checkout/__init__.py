"""Reading of everything that a plan is made from: configuration, lock, asset folders, git."""
