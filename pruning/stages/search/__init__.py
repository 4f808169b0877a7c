"""The stages that search the targets of all layers."""
