"""Devices of the host, as the Container Device Interface describes them."""
