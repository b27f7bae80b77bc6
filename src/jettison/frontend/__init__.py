"""Compilers of build definitions to plans."""
