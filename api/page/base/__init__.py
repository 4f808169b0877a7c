"""What all pages share: templates, formats, query parameters."""
