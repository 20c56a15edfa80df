"""What can go wrong between this machine and an object store, a sentence each, with what to do.

Neither a credential nor the text of a library's error is quoted: an address in it may hold a password.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from leanvlm.errors import InputError, LeanvlmError, RunError

KEPT = "what is stored is kept: run again"
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
UNKNOWN = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthFailure")
ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "400")


@contextmanager
def told(where: str, server: str) -> Iterator[None]:
    """Turn what boto3 raises into a sentence.

    Takes: where, the object or folder that was asked for; server, its address for people.

    Raises: InputError where a setting or a credential is wrong, RunError where the server refuses, fails or is away,
        which may come in the midst of a run, and ends it.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import RetriesExceededError

    try:
        yield
    except ClientError as error:
        raise _refused(error.response, where, server) from error
    except (BotoCoreError, Boto3Error, RetriesExceededError, OSError) as error:
        raise _unanswered(error, where, server) from error


def _refused(response: dict[str, dict[str, object]], where: str, server: str) -> LeanvlmError:
    """Say what a server's answer means."""
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)))
    if code == "NoSuchBucket":
        return InputError(f"{server} has no bucket for {where}; make it, or correct storage.url in params.yaml")
    if code in ("NoSuchKey", "404"):
        return InputError(f"{where} does not exist; another run may have deleted it: run again")
    if code in UNKNOWN:
        return InputError(f"{server} does not know these credentials ({code}); {CREDENTIALS}")
    if code in ELSEWHERE:
        return InputError(f"{server} refuses to be asked for {where} in this region ({code}); correct storage.region")
    if status in (401, 403):
        return RunError(f"{server} refuses access to {where} ({status} {code}); let these credentials list, get, put "
                        f"and delete there, or {CREDENTIALS}; {KEPT}")  # fmt: skip
    return RunError(f"{server} failed at {where} ({status} {code}); {KEPT} when it is well")


def _unanswered(error: Exception, where: str, server: str) -> LeanvlmError:
    """Say why there was no answer."""
    from botocore import exceptions as known

    lacking = (known.NoCredentialsError, known.PartialCredentialsError, known.CredentialRetrievalError)
    if isinstance(error, lacking):
        return InputError(f"there are no credentials for {server}; {CREDENTIALS}")
    if isinstance(error, known.ProfileNotFound):
        return InputError("AWS_PROFILE names no profile of ~/.aws; correct it, or unset it")
    if isinstance(error, known.ProxyConnectionError):
        return RunError(f"the proxy of the environment does not lead to {server}; name the server in NO_PROXY; {KEPT}")
    if isinstance(error, known.EndpointConnectionError | known.ConnectTimeoutError):
        return RunError(f"{server} does not answer; start it, or correct storage.endpoint in params.yaml; {KEPT}")
    if isinstance(error, OSError) and error.filename is not None:
        return RunError(f"{error.filename} cannot be used on the way from or to {where} ({error.strerror}); {KEPT}")
    return RunError(f"the connection to {server} was lost at {where} ({type(error).__name__}); {KEPT}")
