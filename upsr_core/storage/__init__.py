"""Every file that must be whole: written in one step, sealed, checked, and read back in today's format."""
