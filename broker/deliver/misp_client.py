"""PyMISP with three faults cured: it logs bodies, hides statuses and waits for ever.

A few verbs -> PyMISP's answers, or `Answer` for every status that is not 2xx. (PyMISP
returns 4xx as a dict, and writes the whole request body to the log on 5xx.)

Invariants: every request has a time-out; no redirect is followed, because that could
carry a disclosure to another machine; nothing of a request or answer is ever logged.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast
from urllib.parse import urljoin

import requests
from requests.auth import AuthBase

from broker.canonical import dumps, loads
from broker.deliver.misp_answers import Answer, NotMisp
from broker.deliver.network import retry_after


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Let imports of some packages fail, if nobody has loaded them yet."""
    loaded = cast(dict[str, Any], sys.modules)
    hidden = [name for name in names if name not in loaded]
    loaded.update(dict.fromkeys(hidden))  # None means: not there
    try:
        yield
    finally:
        for name in hidden:
            del loaded[name]


# PyMISP loads these when they happen to be installed. We use nothing of them, and one
# compiles a grammar for several seconds (seen with jsonschema's rfc3987-syntax).
with _without("pytaxonomies", "pymispgalaxies"):
    from pymisp import PyMISP

_WORDS: Final = 2000  # how much of an answer is looked at to tell cases apart


def _nothing(_record: logging.LogRecord) -> bool:
    return False


# A filter and not a level: nobody who configures logging can undo it by accident.
logging.getLogger("pymisp").addFilter(_nothing)


class _Key(AuthBase):
    """Sets the key itself, so that a ``.netrc`` cannot put another in its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._key
        return request


class MispClient(PyMISP):
    """One connection to one MISP. Asks it on creation who we are there.

    Raises:
        Answer: the server does not let us in.
        NotMisp: something else answered.
        requests.RequestException: it cannot be reached.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        verify: bool | str,
        certificate: str | None,
        timeout: tuple[float, float],
    ) -> None:
        key = key.strip()
        if not (key.isascii() and key.isprintable()):
            raise requests.exceptions.InvalidHeader
        self._http = requests.Session()
        self._http.auth = _Key(key)
        self._http.headers.update(
            {"Accept": "application/json", "Content-Type": "application/json"}
        )
        self._http.verify = verify
        self._http.cert = certificate
        self._organisation: dict[str, str] = {}
        self._version: Any = None
        try:
            super().__init__(
                url.rstrip("/") + "/", key, ssl=verify, tool="besa", timeout=timeout
            )
        except (Answer, NotMisp, requests.RequestException):
            raise
        except Exception as error:
            # PyMISP wraps whatever goes wrong at the start; we want what it was.
            cause = error.__context__
            if isinstance(cause, Answer | NotMisp | requests.RequestException):
                raise cause from None
            raise NotMisp from None

    @property
    def misp_instance_version(self) -> Any:
        """The server's version; asked for once.

        PyMISP's own property holds, on Python 3.11, one lock for all servers while it
        waits for an answer: a server that hangs would keep every lane from connecting.
        """
        if self._version is None:
            answer = self._prepare_request("GET", "servers/getVersion")
            self._version = self._check_json_response(answer)
        return self._version

    @property
    def describe_types_remote(self) -> Any:
        """The list of attribute types; the packaged one, to save a large request."""
        return self.describe_types_local

    @property
    def organisation(self) -> str:
        """The UUID of the organisation that our key belongs to at this MISP."""
        return self.named_organisation["uuid"]

    @property
    def named_organisation(self) -> dict[str, str]:
        """The UUID and name of the organisation that our key belongs to."""
        if not self._organisation:
            ours = self.direct_call("users/view/me")["Organisation"]
            self._organisation = {"uuid": str(ours["uuid"]), "name": str(ours["name"])}
        return self._organisation

    def add(self, body: bytes) -> None:
        """Post a new event, exactly these bytes."""
        self.direct_call("events/add", cast(Any, body))

    def edit(self, uuid: str, body: bytes) -> None:
        """Post an update of an event, exactly these bytes."""
        self.direct_call(f"events/edit/{uuid}", cast(Any, body))

    def view(self, uuid: str) -> Any:
        """Return an event with everything in it, soft-deleted things included."""
        return self.direct_call(f"events/view/{uuid}/deleted:1")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _prepare_request(
        self,
        request_type: str,
        url: str,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
        kw_params: Mapping[str, Any] | None = None,
        output_type: str = "json",  # noqa: ARG002 - PyMISP's signature
        content_type: str = "json",  # noqa: ARG002
    ) -> requests.Response:
        path = url.lstrip("/")
        for name, value in (kw_params or {}).items():
            path += f"/{name}:{value}"
        body = data if data is None or isinstance(data, bytes) else dumps(data)
        return self._http.request(
            request_type,
            urljoin(self.root_url, path),
            data=body,
            params=params,
            timeout=self.timeout,
            # Said here, or an environment's bundle would replace the recipient's own.
            verify=self._http.verify,
            allow_redirects=False,
        )

    def _check_response(
        self,
        response: requests.Response,
        lenient_response_type: bool = False,  # noqa: ARG002
        expect_json: bool = False,  # noqa: ARG002
    ) -> Any:
        if not 200 <= response.status_code < 300:
            raise Answer(
                response.status_code,
                response.content[:_WORDS].decode("utf-8", "replace"),
                retry_after(response.headers.get("Retry-After", "")),
            )
        try:
            answer = loads(response.content)
        except ValueError:
            raise NotMisp from None
        if isinstance(answer, dict) and answer.get("response") is not None:
            return answer["response"]
        return answer
