"""Events and errors as text for people: a live view, plain lines, JSON lines, messages."""
