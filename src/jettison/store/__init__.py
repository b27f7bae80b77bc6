"""One directory that holds blobs, images and state, safe for many processes."""
