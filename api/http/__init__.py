"""HTTP features that several routes share: parameters, downloads, monitoring."""
