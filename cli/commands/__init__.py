"""The commands: one function each, by the resource that they are about."""
