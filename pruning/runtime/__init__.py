"""Devices, determinism, and memory of host and devices with the copies between them."""
