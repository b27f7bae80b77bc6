"""COPY and ADD: what is selected, where it goes, and writing it as a layer."""
