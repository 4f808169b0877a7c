"""Models by introspection: decoder blocks, linear layers, experts, and how blocks are run one by one."""
