"""The cases; harness/table.py lists them."""
