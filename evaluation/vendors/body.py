"""The body of a reply, as it came."""

import json

from ...data.manifest import Json
from ..retry import Again


def json_of(text: str) -> dict[str, Json]:
    """Return the object in a body.

    Raises:
        Again: it is no JSON object.
    """
    try:
        body = json.loads(text)
    except ValueError as error:
        raise Again("the reply is not JSON") from error
    if not isinstance(body, dict):
        raise Again("the reply is no JSON object")
    return body
