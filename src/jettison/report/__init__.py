"""What a finished build says about itself: sizes by stage."""
