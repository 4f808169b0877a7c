"""Models by introspection: decoder blocks, linear layers, experts, and blocks run one by one."""
