"""HTTP features that several routes share: parameters, ETags, downloads, monitoring."""
