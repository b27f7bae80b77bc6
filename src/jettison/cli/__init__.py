"""The command line: click commands and renderings of events; no logic."""
