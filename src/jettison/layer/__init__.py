"""Layer tars: reading, writing, compression."""
