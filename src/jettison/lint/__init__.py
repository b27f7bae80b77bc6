"""Checks of Dockerfile text: rules, findings, formats."""
