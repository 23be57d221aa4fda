"""Keys in Cloud KMS, by its REST API.

``driver.py`` the driver · ``names.py`` names · ``errors.py`` refusals -> ours · ``answers.py``
the shapes of answers
"""
