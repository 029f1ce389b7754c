"""What the workflows call beside the engine; each command is a make target as well."""
