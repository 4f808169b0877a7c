"""Activation statistics and gradient norms of linear layers, measured on the calibration windows."""
