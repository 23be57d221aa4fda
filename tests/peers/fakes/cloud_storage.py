"""Cloud Storage: objects and buckets of its JSON API, reads and signed URLs of its XML API.

For what fake-gcs-server does not do: conditions on anything but inserts, metagenerations,
storage classes of copies, errors in the service's words, lifecycle rules, signatures.

What it checks, and its words: "Objects" and "Buckets" of the JSON API reference, "HTTP status
and error codes" for JSON and for XML, "Composite objects", "V4 signing process", "Quotas &
limits"; the refused checksum: issues 271 and 1044 of googleapis/google-cloud-go.
"""

from __future__ import annotations

import json
import re
import ssl
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from google.auth.exceptions import GoogleAuthError

from tests.peers.fakes.cloud_storage_state import Bucket, Conditions, Refusal, Stored, rendered
from tests.peers.fakes.google_tokens import verified
from tests.peers.fakes.serving import Fake, Reply, Request, as_json

TOKEN = "ya29.cloud-storage-of-the-tests"  # made up: only the fake takes it
_BUCKET = re.compile(r"/storage/v1/b(?:/([^/]+))?")
_LIST = re.compile(r"/storage/v1/b/([^/]+)/o")
_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)")
_COMPOSE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/compose")
_REWRITE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)")
_INSERT = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
_XML = re.compile(r"/([^/]+)/(.+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class CloudStorage(Fake):
    """All of it at one address.

    Attributes:
        tokens: those that are accepted.
        keys: of service accounts whose signed URLs are: e-mail -> key.
        buckets: by name.
        rewrite_calls: how many calls a copy takes; ``rewrites``: those so far.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.tokens = {TOKEN}
        self.keys: dict[str, RSAPublicKey] = {}
        self.buckets: dict[str, Bucket] = {}
        self.rewrite_calls = 1
        self.rewrites = 0

    def new_bucket(self, name: str, location: str = "EUROPE-WEST3") -> Bucket:
        """One that is empty."""
        self.buckets[name] = Bucket(name, location)
        return self.buckets[name]

    def answer(self, request: Request) -> Reply:
        path = request.target.partition("?")[0]
        of_json = path.startswith(("/storage/v1/", "/upload/storage/", "/download/storage/"))
        try:
            signed = "X-Goog-Signature" in request.query
            if not signed:
                self._authenticate(request)
            elif not of_json:
                self._check_signature(request, path)
            reply = self._json(request, path) if of_json else self._xml(request, path)
        except Refusal as refusal:
            reply = refusal.as_json() if of_json else refusal.as_xml()
        if request.method == "HEAD":
            return Reply(reply.status, b"", reply.headers)
        return reply

    # -- who asks

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not (token in self.tokens or self._made_itself(token)):
            raise Refusal(401, "authError", "Invalid Credentials", xml="AuthenticationRequired")

    def _made_itself(self, token: str) -> bool:
        """Whether one of the service accounts has signed it for itself."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        for key in self.keys.values():
            pem = key.public_bytes(serialization.Encoding.PEM, form)
            try:
                verified(token, certs=pem)
            except (ValueError, GoogleAuthError):
                continue
            return True
        return False

    def _check_signature(self, request: Request, path: str) -> None:
        pairs = dict(parse_qsl(request.target.partition("?")[2]))
        signature = bytes.fromhex(pairs.pop("X-Goog-Signature"))
        email, _, scope = pairs["X-Goog-Credential"].partition("/")
        stamp = pairs["X-Goog-Date"]
        query = urlencode(sorted(pairs.items()), quote_via=quote, safe="-_.~")
        canonical = (
            f"{request.method}\n{path}\n{query}\nhost:{request.headers['host']}\n\nhost\n"
            "UNSIGNED-PAYLOAD"
        )
        digest = sha256(canonical.encode()).hexdigest()
        text = f"GOOG4-RSA-SHA256\n{stamp}\n{scope}\n{digest}".encode()
        begun = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if datetime.now(UTC) > begun + timedelta(seconds=int(pairs["X-Goog-Expires"])):
            raise Refusal(400, "invalid", "The provided token has expired.", xml="ExpiredToken")
        try:
            self.keys[email].verify(signature, text, PKCS1v15(), hashes.SHA256())
        except (KeyError, InvalidSignature):
            raise Refusal(
                403, "forbidden", "Access denied.", xml="SignatureDoesNotMatch"
            ) from None

    # -- the JSON API

    def _json(self, request: Request, path: str) -> Reply:
        fields = request.query.get("fields", "")
        media = request.query.get("alt") == "media" or path.startswith("/download")
        if found := _INSERT.fullmatch(path):
            return self._insert(self._bucket(found[1]), request)
        if found := _REWRITE.fullmatch(path):
            places = [unquote(each) for each in found.groups()]
            return as_json(200, picked(self._rewrite(places, request), fields))
        if found := _COMPOSE.fullmatch(path):
            bucket, name = self._bucket(found[1]), unquote(found[2])
            made = bucket.compose(name, json.loads(request.body), Conditions.of(request.query))
            return as_json(200, picked(rendered(made), fields))
        if found := _OBJECT.fullmatch(path):
            bucket, name = self._bucket(found[1]), unquote(found[2])
            if request.method == "DELETE":
                bucket.delete(name, Conditions.of(request.query))
                return Reply(204)
            there = bucket.there(name, Conditions.of(request.query))
            if request.method == "PATCH":
                there.patch(json.loads(request.body))
            if media:
                return ranged(there, request, metadata=False)
            return as_json(200, picked(rendered(there), fields))
        if found := _LIST.fullmatch(path):
            return as_json(200, picked(self._bucket(found[1]).page(request.query), fields))
        if found := _BUCKET.fullmatch(path):
            return self._of_bucket(found[1], request, fields)
        raise Refusal(404, "notFound", "Not Found")

    def _of_bucket(self, name: str | None, request: Request, fields: str) -> Reply:
        if request.method == "POST":
            content = json.loads(request.body)
            bucket = self.new_bucket(content["name"], content.get("location", "US"))
        else:
            bucket = self._bucket(name or "")
            if request.method == "PATCH":
                bucket.patch(json.loads(request.body), request.query)
        return as_json(200, picked(bucket.described(), fields))

    def _bucket(self, name: str) -> Bucket:
        found = self.buckets.get(unquote(name))
        if found is None:
            raise Refusal(
                404, "notFound", "The specified bucket does not exist.", xml="NoSuchBucket"
            )
        return found

    def _insert(self, bucket: Bucket, request: Request) -> Reply:
        query = request.query
        if query.get("uploadType") == "media":
            resource: dict[str, Any] = {"contentType": request.headers.get("content-type")}
            data = request.body
        elif query.get("uploadType") == "multipart":
            resource, data = related(request)
        else:
            raise Refusal(400, "wrongUrlForUpload", "Upload requests must be made to …")
        name = resource.get("name") or query.get("name", "")
        if "kmsKeyName" in query:
            resource["kmsKeyName"] = query["kmsKeyName"]
        made = bucket.insert(name, data, resource, Conditions.of(query))
        return as_json(200, picked(rendered(made), query.get("fields", "")))

    def _rewrite(self, places: list[str], request: Request) -> dict[str, Any]:
        source, name, target, to = places
        query = request.query
        there = self._bucket(source).there(name, Conditions.of(query, "ifSource"))
        bucket = self._bucket(target)
        self.rewrites += 1
        if self.rewrites % self.rewrite_calls:
            bucket.check(to, Conditions.of(query))
            return {"done": False, "rewriteToken": f"token-{self.rewrites}"}
        if self.rewrite_calls > 1:
            assert query["rewriteToken"] == f"token-{self.rewrites - 1}"
        resource = json.loads(request.body) if request.body else rendered(there)
        if not request.body:
            del resource["storageClass"]
        if "destinationKmsKeyName" in query:
            resource["kmsKeyName"] = query["destinationKmsKeyName"]
        resource.pop("crc32c", None)
        made = bucket.insert(to, there.data, resource, Conditions.of(query))
        made.md5 = there.md5
        return {"done": True, "resource": rendered(made)}

    # -- the XML API

    def _xml(self, request: Request, path: str) -> Reply:
        found = _XML.fullmatch(path)
        if found is None:
            raise Refusal(400, "invalid", "Bad request.", xml="InvalidURI")
        bucket, name = self._bucket(found[1]), unquote(found[2])
        if request.method == "PUT":
            kind = request.headers.get("content-type") or None
            bucket.insert(name, request.body, {"contentType": kind}, Conditions())
            return Reply(200)
        return ranged(bucket.there(name, Conditions.of_headers(request.headers)), request)


def related(request: Request) -> tuple[dict[str, Any], bytes]:
    """Metadata and body of an upload of both."""
    kind = request.headers["content-type"]
    boundary = kind.partition("boundary=")[2].strip('"').encode()
    _, about, rest = request.body.split(b"--" + boundary + b"\r\n", 2)
    content = about.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    head, _, data = rest.partition(b"\r\n\r\n")
    data = data[: data.rindex(b"\r\n--" + boundary + b"--")]
    resource = json.loads(content)
    kept = head.partition(b":")[2].strip().decode()
    return {"contentType": kept, **resource}, data


def ranged(there: Stored, request: Request, *, metadata: bool = True) -> Reply:
    """The body or a range of it. The JSON API tells no metadata with it."""
    headers = there.headers(metadata=metadata)
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    data = there.data
    if there.resource.get("contentEncoding") == "gzip":
        # Without it the service would unpack the body and ignore the range.
        assert "gzip" in request.headers.get("accept-encoding", "")
    if asked is None:
        return Reply(200, data, headers)
    start = int(asked[1])
    if start >= len(data):
        raise Refusal(
            416,
            "requestedRangeNotSatisfiable",
            "The requested range cannot be satisfied.",
            xml="InvalidRange",
        )
    part = data[start : int(asked[2]) + 1 if asked[2] else None]
    headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
    return Reply(206, part, headers)


def picked(content: dict[str, Any], fields: str) -> dict[str, Any]:
    """A partial response: only what ``fields`` names ("Partial response")."""
    if not fields:
        return content
    found: dict[str, Any] = {}
    for each in re.findall(r"\w+(?:\([^)]*\))?", fields):
        name, _, inner = each.partition("(")
        if name not in content:
            continue
        value, below = content[name], inner.removesuffix(")")
        if below and isinstance(value, list):
            value = [picked(item, below) for item in value]
        elif below:
            value = picked(value, below)
        found[name] = value
    return found
