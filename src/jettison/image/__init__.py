"""Images in the store: pulled, loaded, assembled from layers, and made into blobs."""
