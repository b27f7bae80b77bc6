"""Files below a root: walking, safe paths, content digests, atomic writes, locks."""
