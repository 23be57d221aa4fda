"""Objects in Azure Blob Storage.

``opening.py`` opens the container that the settings name · ``access.py`` by what right ·
``signing.py`` what an account's key signs · ``client.py`` one call · ``xml.py`` its documents ·
``errors.py`` its refusals -> ours · ``names.py`` metadata's names · ``headers.py`` what is kept
beside a body · ``container.py`` what the halves of the driver share · ``reading.py`` ·
``writing.py`` · ``parts.py`` uploads in parts · ``copying.py`` · ``presigning.py`` ·
``management.py`` the account's lifecycle rules and region, by ``rules.py``
"""
