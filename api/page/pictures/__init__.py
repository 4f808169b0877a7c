"""Pictures of reports, drawn by Matplotlib as SVG."""
