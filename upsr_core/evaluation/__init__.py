"""Stored candidates, metrics per user, and honest statistics on them."""
