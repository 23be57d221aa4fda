"""Objects in Google Cloud Storage.

Written, listed, copied and deleted over its JSON API; read over its XML API, whose answer to a
GET has the metadata beside the body: that of the JSON API has it not ("Reader.Metadata" of
Google's client for Go says so), and a read would be two calls.

**Uploads in parts.** Each part is an object of its own under a reserved name, and they are
composed to the object. Of the three ways that Cloud Storage has, it is the only one whose parts
may be sent side by side, in any order and again, and whose end takes a condition. A resumable
upload takes its bytes one after the other; the XML API's multipart upload takes no condition
(arrow-rs-object-store, issue 289). The price: a write and its part of a composition for each
part; and until the composition they are objects, under ``skykeep-uploads.``, which is no
segment of a portable key, so that no object of anybody's is there. ``deleteSourceObjects``
removes them in the composition itself, without the fees of an early deletion, and without a
soft-deleted copy ("Compose objects"). What a process that died leaves there is found by
``uploads`` and ended by ``abort_upload``, or by the bucket's own rule
(``abort_uploads_after_days``).

**Tags.** Cloud Storage keeps none: all of them are one pair of the metadata, ``skykeep-tags``,
which is not shown there.

``opening.py`` opens the bucket that the settings name · ``client.py`` one call ·
``errors.py`` its refusals -> ours · ``answers.py`` shapes of answers, what is kept beside a
body · ``bucket.py`` what the halves of the driver share · ``reading.py`` · ``writing.py`` ·
``parts.py`` uploads in parts · ``copying.py`` · ``lifecycle.py`` rules · ``signing.py`` URLs
"""
