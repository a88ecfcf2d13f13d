"""The OpenAPI document: valid, complete, and what the server really does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.definitions import OPENAPI_31

from api.app import create_app
from api.problems import MEDIA_TYPE
from api.routes import events
from ledger.config import Settings
from ledger.domain.kinds import KINDS
from tests.unit.api.world import HOST, NAME, World, founded, running

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("openapi"))).openapi()


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def refs(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from refs(item)


def test_the_document_is_openapi_3_1(document: Document) -> None:
    errors = list(jsonschema_rs.validator_for(OPENAPI_31).iter_errors(json.loads(json.dumps(document))))
    assert errors == []


def test_every_reference_leads_somewhere(document: Document) -> None:
    for ref in refs(document):
        assert ref.startswith("#/components/schemas/")
        assert ref.rpartition("/")[2] in document["components"]["schemas"]


def test_every_schema_is_a_valid_json_schema(document: Document) -> None:
    for name in document["components"]["schemas"]:
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.validator_for(json.loads(json.dumps(whole)))


def test_every_route_describes_its_answers_and_its_problems(document: Document) -> None:
    ids = set()
    for path, method, operation in operations(document):
        place = f"{method} {path}"
        ids.add(operation["operationId"])
        assert operation.get("description") or operation.get("summary"), place
        assert any(status.startswith("2") for status in operation["responses"]), place
        for status in ("400", "404", "500", "503", "4XX"):
            assert MEDIA_TYPE in operation["responses"][status]["content"], place
        assert ("401" in operation["responses"]) == ("security" in operation), place
    assert len(ids) == len(list(operations(document))), "operation ids name one operation each"


def test_the_plain_routes_are_described_too(document: Document) -> None:
    described = {(path, method.upper()) for path, method, _ in operations(document)}
    assert {(route.path, method) for route in events.ROUTES for method in route.methods or ()} <= described


def test_an_event_is_described_for_every_kind(document: Document) -> None:
    event = document["components"]["schemas"]["Submission"]["properties"]["event"]
    assert event["discriminator"]["propertyName"] == "kind"
    assert set(event["discriminator"]["mapping"]) == set(KINDS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = Settings(data_dir=tmp_path_factory.mktemp("fuzzed"))
    founded(made)
    with running(made) as world:
        world.populate()
        world.client().commit_state(NAME)
        yield world


@schemathesis.serializer("application/x-ndjson")
def _as_it_is(_: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.slow
def test_whatever_the_document_allows_is_answered_as_it_says(world: World, document: Document) -> None:
    schema = schemathesis.openapi.from_dict(document)
    checks = [
        schemathesis.checks.not_a_server_error,
        schemathesis.checks.status_code_conformance,
        schemathesis.checks.content_type_conformance,
        schemathesis.checks.response_schema_conformance,
    ]
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def run(case: schemathesis.Case) -> None:
            if "name" in case.path_parameters:
                case.path_parameters["name"] = NAME
            sent = case.as_transport_kwargs(base_url=HOST)
            body = sent.get("data") or b""
            answer = world.http.request(
                sent["method"],
                sent["url"],
                params=sent.get("params"),
                headers={name: value for name, value in sent["headers"].items() if name.lower() != "authorization"},
                json=sent.get("json"),
                content=None if "json" in sent else body if isinstance(body, bytes) else str(body).encode(),
            )
            case.validate_response(answer, checks=checks)

        run()
