"""Files between a container and its host: ``cp``."""
