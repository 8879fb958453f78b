"""Lets the tests import `scored_texts`."""
