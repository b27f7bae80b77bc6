"""What happened in a step that failed, from what it printed and what is known of its sandbox."""
