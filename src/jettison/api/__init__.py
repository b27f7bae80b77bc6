"""What Jettison can do, as functions; the command line is one caller of them."""
