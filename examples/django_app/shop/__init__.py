"""A Django project whose secrets are in skykeep."""
