"""Cache keys and the records that they find."""
