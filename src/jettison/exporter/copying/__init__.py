"""Copies of images between registries, layouts, archives and the store, byte for byte."""
