"""Where every path of an image came from, through all stages."""
