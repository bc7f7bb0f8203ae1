"""What every operation of the API's description has in common: its errors, and how a parameter is written."""

from collections import defaultdict
from typing import Any

from contract.errors import TABLE
from contract.media import JSON

Description = dict[str, Any]


def parameter(name: str, place: str, schema: Description) -> Description:
    """One parameter; those of a path are required."""
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def operation(name: str, summary: str, content: Description, *, status: int = 200, **more: object) -> Description:
    """One operation, which answers `content` with `status` or one of the errors."""
    responses = {str(status): {"description": "OK", "content": content}, **_ERRORS}
    return {"operationId": name, "summary": summary, **more, "responses": responses}


def _errors() -> Description:
    codes: dict[int, list[str]] = defaultdict(list)
    for code, error in TABLE.items():
        codes[error.status].append(code)
    schema = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {str(status): {"description": ", ".join(codes[status]), "content": schema} for status in sorted(codes)}


_ERRORS = _errors()
