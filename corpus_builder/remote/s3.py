"""Objects in S3 and compatible stores; needs the extra `remote` (boto3).

All settings come from the usual places: credentials from the environment, the profile or the instance (without any,
requests are anonymous), the endpoint from AWS_ENDPOINT_URL or the profile, the region from AWS_REGION.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from types import ModuleType
from typing import Any, BinaryIO

from urllib3.exceptions import HTTPError

from corpus_builder.errors import CorpusError, InputError, MissingExtraError
from corpus_builder.messages.redact import without_login, without_secrets
from corpus_builder.messages.terminal import harmless
from corpus_builder.remote.places import bucket_and_key, content_range
from corpus_builder.remote.retries import MAX_WHOLE_BYTES, Pace, Passing, Stat, patience
from corpus_builder.remote.web import changed

PIECE = 1 << 18
_PASSING = frozenset({"SlowDown", "RequestTimeout", "Throttling", "InternalError", "ServiceUnavailable", "OperationAborted"})
_REGION = frozenset(
    {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307"}
)
_ABSENT = frozenset({"NoSuchKey", "404"})


class S3:
    """s3://bucket/key; see `Store`."""

    def stat(self, place: str) -> Stat:
        """Ask for the first byte: unlike those of HEAD, its errors say why."""
        bucket, key = bucket_and_key(place)
        try:
            answer = _ask("get_object", place, Bucket=bucket, Key=key, Range="bytes=0-0")
        except _Empty:
            answer = _ask("head_object", place, Bucket=bucket, Key=key)
            return Stat(int(answer["ContentLength"]), answer["ETag"])
        answer["Body"].close()
        parts = content_range(answer.get("ContentRange", ""))
        if parts is None or parts[:2] != (0, 0) or not answer.get("ETag"):
            raise InputError(
                f"{_endpoint()} answered a request for the first byte of {place} with the Content-Range "
                f"'{harmless(answer.get('ContentRange', ''), 60)}'; only stores that support ranged requests and send an ETag can be read."
            )
        return Stat(parts[2], answer["ETag"])

    def read(self, place: str, stat: Stat, start: int, end: int) -> Iterator[bytes]:
        """One request for bytes start..end-1 of exactly this version."""
        bucket, key = bucket_and_key(place)
        try:
            answer = _ask("get_object", place, Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}", IfMatch=stat.tag)
        except _Empty:
            raise changed(place) from None
        if answer.get("ETag") != stat.tag or answer.get("ContentRange") != f"bytes {start}-{end - 1}/{stat.size}":
            answer["Body"].close()
            raise changed(place)
        yield from _pieces(answer["Body"], end - start)

    def read_whole(self, place: str) -> Iterator[bytes]:
        """One request for the whole object."""
        bucket, key = bucket_and_key(place)
        yield from _pieces(_ask("get_object", place, Bucket=bucket, Key=key)["Body"], MAX_WHOLE_BYTES + 1)


def keys_below(place: str) -> list[str]:
    """The places of all objects whose key starts with that of `place`, sorted; one request per thousand objects."""
    bucket, prefix = bucket_and_key(place)
    found: list[str] = []
    more: dict[str, str] = {}
    seen: set[str] = set()
    while True:
        answer = _ask("list_objects_v2", place, Bucket=bucket, Prefix=prefix, **more)
        found += [f"s3://{bucket}/{item['Key']}" for item in answer.get("Contents", ())]
        if not answer.get("IsTruncated"):
            return sorted(found)
        following = answer.get("NextContinuationToken", "")
        if not following or following in seen:
            raise InputError(f"{_endpoint()} lists the objects below {place} endlessly; name the objects, or a .paths file.")
        seen.add(following)
        more = {"ContinuationToken": following}


def put(place: str, body: bytes | BinaryIO, sha256_base64: str) -> str:
    """Store an object in one request: readers see all of it or nothing.  The server checks the bytes against the digest.

    Returns the digest that the server confirms; "" if it does not support digests.
    """
    bucket, key = bucket_and_key(place)
    answer = _ask(
        "put_object", place, Bucket=bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256", ChecksumSHA256=sha256_base64
    )
    return str(answer.get("ChecksumSHA256", ""))


def delete(place: str) -> None:
    """Delete an object; no error if there is none."""
    bucket, key = bucket_and_key(place)
    _ask("delete_object", place, Bucket=bucket, Key=key)


def stat_with_digest(place: str) -> tuple[int, str] | None:
    """An object's length in bytes and its base64 SHA-256 ("" if the server does not keep it); None if there is no such object."""
    bucket, key = bucket_and_key(place)
    try:
        answer = _ask("head_object", place, Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except _Absent:
        return None
    return int(answer["ContentLength"]), str(answer.get("ChecksumSHA256", ""))


class _Empty(Exception):
    """The range is outside the object, which is empty or shorter than before."""


class _Absent(InputError):
    """There is no such object."""


def _pieces(body: Any, most: int) -> Iterator[bytes]:
    """The body in pieces as they arrive, at most `most` bytes, and no slower than `Pace` allows."""
    botocore = _boto3()[1]
    read = getattr(getattr(body, "_raw_stream", None), "read1", body.read)  # boto's own read waits until a piece is full
    pace = Pace()
    with closing(body):
        try:
            while True:
                asked = time.monotonic()
                piece = read(min(PIECE, most))
                if not piece:
                    return
                most -= len(piece)
                yield piece
                if most <= 0:
                    return
                if slow := pace.note(len(piece), time.monotonic() - asked):
                    raise Passing(slow)
        except (botocore.exceptions.BotoCoreError, HTTPError, OSError) as error:
            raise Passing(f"the connection failed ({_words(error)})") from error


def _words(error: object) -> str:
    """A library's error message, cleaned of what a server may have put into it."""
    return harmless(without_secrets(" ".join(str(error).split())), 300)


def _ask(operation: str, place: str, **words: Any) -> dict[str, Any]:
    botocore = _boto3()[1]
    errors = botocore.exceptions
    client = _client()
    try:
        answer: dict[str, Any] = getattr(client, operation)(**words)
        return answer
    except errors.ClientError as error:
        raise _refusal(place, error) from error
    except RecursionError:  # botocore's, if asking for the bucket's region is answered by another redirect
        raise _elsewhere(place, "") from None
    except errors.SSLError as error:
        raise InputError(
            f"The S3 endpoint of {place} cannot be trusted ({_words(error)}); check AWS_ENDPOINT_URL and AWS_CA_BUNDLE."
        ) from error
    except (errors.HTTPClientError, errors.ConnectionError) as error:
        if isinstance(error.__context__, RecursionError):  # the same, if the stack overflowed while a request was being sent
            raise _elsewhere(place, "") from None
        if isinstance(error, errors.ReadTimeoutError):
            raise Passing(f"{_endpoint()} sent nothing for {patience().answer_seconds:g} s") from error
        raise Passing(f"{_endpoint()} cannot be reached ({type(error).__name__})") from error
    except errors.ParamValidationError as error:
        raise InputError(f"{place!r} is not a valid object name ({_words(error)}); write s3://BUCKET/KEY.") from error
    except errors.BotoCoreError as error:
        raise InputError(
            f"{place} cannot be reached: {_words(error)} Check the AWS profile and AWS_* variables of this machine."
        ) from error


def _refusal(place: str, error: Any) -> Exception:
    code = harmless(str(error.response.get("Error", {}).get("Code", "")), 60)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    bucket, _ = bucket_and_key(place)
    if code in _PASSING or status >= 500 or status == 429:
        return Passing(f"the store answered {code or status}")
    if code == "InvalidRange" or status == 416:
        return _Empty()
    if code == "PreconditionFailed" or status == 412:
        return changed(place)
    if code == "NoSuchBucket":
        return InputError(f"There is no bucket {bucket!r} at {_endpoint()}; check the name and AWS_ENDPOINT_URL.")
    if code in _ABSENT:
        return _Absent(
            f"There is no object {place} at {_endpoint()}; check the key (for lines of a paths file, check `base`, too)."
        )
    if code in _REGION:
        return _elsewhere(place, harmless(str(error.response.get("Error", {}).get("Region", "")), 60))
    if code in ("InvalidDigest", "BadDigest", "XAmzContentChecksumMismatch"):
        return Passing(f"the bytes arrived damaged ({code})")
    if status in (401, 403):
        how = "the credentials that were found" if _signed() else "an anonymous request, as no credentials were found,"
        return InputError(
            f"{_endpoint()} refuses {how} for {place} ({code or status}); set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, of an account with permission."
        )
    return InputError(
        f"{_endpoint()} refuses the request for {place} ({code or status}: {_words(error)}); check the name and the endpoint."
    )


def _elsewhere(place: str, region: str) -> InputError:
    return InputError(
        f"The bucket {bucket_and_key(place)[0]!r} is in another region{f' ({region})' if region else ''} than the one "
        f"requested; set AWS_DEFAULT_REGION{f'={region}' if region else ' to it'}."
    )


@lru_cache(maxsize=1)
def _boto3() -> tuple[ModuleType, ModuleType]:
    try:
        import boto3
        import botocore.config
        import botocore.exceptions
    except ImportError as error:
        raise MissingExtraError("s3:// needs boto3; install it with: pip install 'corpus-builder[remote]'") from error
    return boto3, botocore


def _client() -> Any:
    """The process's client (never inherited by fork); a new one if the settings of this machine changed."""
    limits = patience()
    settings = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    return _new_client(os.getpid(), limits.connect_seconds, limits.answer_seconds, settings)


@lru_cache(maxsize=4)
def _new_client(process: int, connect_seconds: float, answer_seconds: float, settings: tuple[tuple[str, str], ...]) -> Any:
    boto3, botocore = _boto3()
    try:
        session = boto3.session.Session()
        unsigned = {} if session.get_credentials() else {"signature_version": botocore.UNSIGNED}
        return session.client(
            "s3",
            config=botocore.config.Config(
                connect_timeout=connect_seconds,
                read_timeout=answer_seconds,
                retries={"total_max_attempts": 1},  # `patience` retries, and can resume in the middle of a file
                max_pool_connections=32,
                request_checksum_calculation="when_required",  # which stores other than Amazon's understand
                response_checksum_validation="when_required",
                **unsigned,
            ),
        )
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise InputError(
            f"S3 cannot be used: {_words(error)} Check the AWS profile and the AWS_* variables of this machine."
        ) from error


def _signed() -> bool:
    _, botocore = _boto3()
    return _client().meta.config.signature_version is not botocore.UNSIGNED


def _endpoint() -> str:
    try:
        return without_login(str(_client().meta.endpoint_url))
    except CorpusError:
        return "the S3 endpoint"
