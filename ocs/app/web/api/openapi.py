"""The OpenAPI 3.1 document of the API, made of its routes: it cannot say anything else than what is carried out."""
from __future__ import annotations

from typing import Any, Sequence

import msgspec

from ocs.app.web.api.routing import PREFIX, Route
from ocs.app.web.api.values.words import Problem
from ocs.store.api_tokens import Role

__all__ = ["document"]

_REFERENCE = "#/components/schemas/{name}"
_REASONS = {200: "Done.", 201: "Made.", 202: "Accepted: it is done once the database is there again.",
            400: "Something is wrong about the request; the field is named.", 401: "No token, or one that is not known.",
            403: "The token's role may not.", 404: "There is no such thing.", 405: "This method is not possible here.",
            409: "The state of things does not allow it.", 413: "The body is too long.",
            429: "Too many requests; Retry-After says how long to wait.", 500: "A fault of the server.",
            503: "The database is away, or the server starts or stops."}
_ALWAYS = (401, 403, 405, 429, 500, 503)


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The whole of it, as JSON can say it."""
    types = {Problem: None, **{kind: None for route in routes for kind in (route.answer, route.body, route.query) if kind}}
    schemas, components = msgspec.json.schema_components(list(types), ref_template=_REFERENCE)
    schema = dict(zip(types, schemas))
    queries = {route.query.__name__ for route in routes if route.query is not None}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = "/".join(("", *PREFIX, *route.parts))
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schema, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Outbound contact server", "version": version,
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                 "description": "Management of campaign groups, calling lists, records and the do-not-call list. Every request"
                                " shows a token; `x-role` is the role that it needs at least. Times are epoch seconds (UTC)."},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": {name: one for name, one in components.items() if name not in queries},
                       "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(route: Route, schema: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": part[1:-1], "in": "path", "required": True,
         "schema": {"type": "string", "minLength": 1, "maxLength": 255}} for part in route.parts if part.startswith("{")]
    if route.query is not None:
        about = components[route.query.__name__]
        parameters += [{"name": name, "in": "query", "required": name in about.get("required", ()), "schema": _not_null(one)}
                       for name, one in about["properties"].items()]
    if route.adds:
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": False,
                           "description": "A repetition with the same key adds nothing, for a day.",
                           "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}})
    takes = route.body is not None or route.query is not None or bool(route.octets) or route.adds
    statuses = sorted({route.status, *route.errors, *_ALWAYS, *((400,) if takes else ()), *((200,) if route.adds else ()),
                       *((413,) if route.body is not None or route.octets else ())})
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *(part.strip("{}").replace("-", "_") for part in route.parts)]),
        "summary": route.summary, "x-role": Role(route.role).word, "parameters": parameters,
        "responses": {str(status): _response(schema[route.answer if status < 300 else Problem], status) for status in statuses},
    }
    if route.body is not None:
        operation["requestBody"] = {"required": not route.body_optional,
                                    "content": {"application/json": {"schema": schema[route.body]}}}
    if route.octets:
        operation["requestBody"] = {"required": True, "content": {route.octets: {"schema": {"type": "string"}}}}
    return operation


def _response(schema: dict[str, Any], status: int) -> dict[str, Any]:
    if status == 413:
        return {"description": _REASONS[status]}        # the connection is closed without a body
    return {"description": _REASONS[status], "content": {"application/json": {"schema": schema}}}


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not given is not there: it is never null."""
    some = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    if len(some) == 1:
        return {**rest, **some[0]}
    if "enum" in schema:
        return {**rest, "enum": [value for value in schema["enum"] if value is not None]}
    return {**rest, **({"anyOf": some} if some else {})}
