"""Build caches elsewhere: records of results and the layers that they name, for other machines."""
