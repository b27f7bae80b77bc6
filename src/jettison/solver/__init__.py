"""Solves a plan: looks up, schedules, runs."""
