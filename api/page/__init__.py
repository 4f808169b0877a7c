"""The status page: HTML that works without JavaScript, and streams that keep it live."""
