"""Two uses of a secret: one that Django has, one that is read when it is needed."""

from __future__ import annotations

import hashlib
import hmac
import logging

from django.core import signing
from django.http import HttpRequest, JsonResponse

import skykeep

from .vault import cloud

logger = logging.getLogger(__name__)


def ticket(request: HttpRequest, order: int) -> JsonResponse:
    """A ticket for the order, signed with ``SECRET_KEY``."""
    return JsonResponse({"ticket": signing.dumps({"order": order})})


def signature(request: HttpRequest, order: int) -> JsonResponse:
    """The order's signature for a partner. A key that is rotated is in use at once."""
    try:
        key = cloud.secrets.get("shop/partner_key").value
    except skykeep.SkykeepError as error:
        logger.warning("order %d was not signed: %s", order, error)
        return JsonResponse({"error": "try again later"}, status=503)
    mark = hmac.new(key.reveal(), b"%d" % order, hashlib.sha256).hexdigest()
    return JsonResponse({"signature": mark})
