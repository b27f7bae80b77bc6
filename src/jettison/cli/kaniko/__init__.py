"""kaniko's command line: its flags, and the builds that they mean here."""
