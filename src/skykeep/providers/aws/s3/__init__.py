"""Objects in S3, and in stores that speak its protocol.

``opening.py`` opens the bucket that the settings name · ``client.py`` one call ·
``signing.py`` what S3 signs otherwise than other services · ``xml.py`` its documents ·
``errors.py`` its refusals -> ours · ``bucket.py`` what the halves of the driver share ·
``headers.py`` what is kept beside a body · ``reading.py`` · ``writing.py`` · ``parts.py``
uploads in parts · ``copying.py`` · ``administering.py`` the bucket: its region, and its rules
by ``lifecycle.py``
"""
