"""The hub's own contract documents as validators: what an answer or a message must look like."""

import re
import urllib.parse

import jsonschema
import referencing
import referencing.jsonschema


class Contract:
    """openapi.json or asyncapi.json of a running hub."""

    def __init__(self, document: dict):
        self.document = document
        resource = referencing.Resource(contents=document, specification=referencing.jsonschema.DRAFT202012)
        self.registry = referencing.Registry().with_resource("urn:hub", resource)
        self.validators = {}

    def validator(self, pointer: str):
        if pointer not in self.validators:
            self.validators[pointer] = jsonschema.Draft202012Validator({"$ref": "urn:hub" + pointer}, registry=self.registry)
        return self.validators[pointer]

    def check(self, name: str, value) -> None:
        """Raises unless the value is what components.schemas has under the name."""
        error = jsonschema.exceptions.best_match(self.validator(f"#/components/schemas/{name}").iter_errors(value))
        assert error is None, f"{name}: {error.message} at {error.json_path} of {str(value)[:600]}"

    def unknown_fields(self, name: str, value: dict) -> set:
        """Fields of an object that its schema does not know."""
        return set(value) - set(self.document["components"]["schemas"][name]["properties"])

    def template(self, path: str) -> str:
        """The path of the document that a path of a request belongs to."""
        if path in self.document["paths"]:
            return path
        for template in self.document["paths"]:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return template
        raise AssertionError(f"{path} is not in openapi.json")

    def check_answer(self, path: str, response) -> None:
        """Raises unless status, content type and body of an answer are as the document says."""
        template = self.template(path)
        operation = self.document["paths"][template][response.request.method.lower()]
        answers = operation["responses"]
        key = str(response.status_code) if str(response.status_code) in answers else "default"
        assert key in answers, f"{path}: {response.status_code} is not in openapi.json"
        answer = answers[key]
        if "$ref" in answer:
            answer = self.document["components"]["responses"][answer["$ref"].split("/")[-1]]
        kind = response.headers.get("Content-Type", "").split(";")[0]
        assert kind in answer.get("content", {}), f"{path}: {kind} is not in openapi.json"
        if not kind.endswith("json") or "schema" not in answer["content"][kind]:
            return
        if key == "default":
            return self.check("Problem", response.json())
        parts = ["paths", template, response.request.method.lower(), "responses", key, "content", kind, "schema"]
        pointer = "#/" + "/".join(urllib.parse.quote(one.replace("~", "~0").replace("/", "~1")) for one in parts)
        error = jsonschema.exceptions.best_match(self.validator(pointer).iter_errors(response.json()))
        assert error is None, f"{path}: {error.message} at {error.json_path} of {response.text[:600]}"
