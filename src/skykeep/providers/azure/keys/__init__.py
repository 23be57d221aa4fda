"""Keys in Key Vault, by its REST API.

``driver.py`` the driver · ``errors.py`` refusals -> ours · ``answers.py`` the shapes of
answers. Names are those of secrets (``azure/names.py``): Key Vault allows the same for both.
"""
