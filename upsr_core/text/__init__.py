"""Items as text, histories as text sequences."""
