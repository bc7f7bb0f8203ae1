"""A day of an endpoint before it is paid for: how many instances its policy keeps, who waits, and what it costs."""
