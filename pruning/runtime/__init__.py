"""Devices, memory and determinism."""
