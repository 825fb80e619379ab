#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a receiver of OTLP over HTTP makes of requests.

otlp.py FILE

FILE has the requests as t/webserver.py keeps them. Each of them is read by the published definition of the protocol (the messages
of opentelemetry-proto, which ./bootstrap installs) as the JSON mapping of Protocol Buffers has it, with what OTLP has otherwise
(https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): identifiers in hexadecimal digits, enumerations as numbers, names
in lowerCamelCase. What no receiver has to take, such as a member that is not defined, is an error, and so is what the definition
asks for in words. Prints each request as a line of JSON: its path, and its spans or metrics with their attributes as objects.
"""
import base64
import json
import os
import re
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "stack/python"))

from google.protobuf import json_format  # noqa: E402
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2  # noqa: E402
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2  # noqa: E402

KINDS = {
    "resourceSpans": (trace_service_pb2.ExportTraceServiceRequest, "scopeSpans", "spans"),
    "resourceMetrics": (metrics_service_pb2.ExportMetricsServiceRequest, "scopeMetrics", "metrics"),
}
IDENTIFIERS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
LONG = re.compile("(UnixNano|^asInt|^intValue)$")


def translate(value):
    """Returns the message as Protocol Buffers themselves would have it, after the checks of what is special to OTLP."""
    if isinstance(value, list):
        return [translate(item) for item in value]
    if not isinstance(value, dict):
        return value
    for name, member in value.items():
        assert "_" not in name, f"{name} is not in lowerCamelCase"
        if name in IDENTIFIERS:
            assert re.fullmatch("[0-9a-f]{%d}" % IDENTIFIERS[name], member) and int(member, 16), f"{name} {member}"
        if name in ("kind", "code", "aggregationTemporality"):
            assert type(member) is int, f"{name} {member} is no number"
        if LONG.search(name):
            assert isinstance(member, str), f"{name} {member} is no text"
    return {
        name: base64.b64encode(bytes.fromhex(member)).decode() if name in IDENTIFIERS else translate(member)
        for name, member in value.items()
    }


def flatten(attributes):
    """Returns attributes as an object; the keys of a set are different, and none is empty (common.proto)."""
    result = {}
    for attribute in attributes:
        (value,) = attribute["value"].values()
        assert attribute["key"] and attribute["key"] not in result, attribute
        result[attribute["key"]] = value
    return result


def check_spans(spans):
    """What trace.proto says in words."""
    identifiers = [span["spanId"] for span in spans]
    assert len(set(identifiers)) == len(identifiers), "two spans have one identifier"
    assert len({span["traceId"] for span in spans}) == 1, "two traces"
    for span in spans:
        assert span["name"], "a span has no name"
        assert 0 < int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), span["name"]
        span["attributes"] = flatten(span.get("attributes", []))


def check_metrics(metrics):
    """What metrics.proto says in words, and the specification of names and units."""
    assert len({metric["name"] for metric in metrics}) == len(metrics), "two metrics have one name"
    for metric in metrics:
        assert re.fullmatch("[A-Za-z][A-Za-z0-9_./-]{0,254}", metric["name"]), metric["name"]
        data = metric.get("sum") or metric["gauge"]
        assert data["dataPoints"], metric["name"] + " is empty"
        points = []
        for point in data["dataPoints"]:
            assert int(point["timeUnixNano"]) > 0, metric["name"]
            if "sum" in metric:
                assert 0 < int(point["startTimeUnixNano"]) <= int(point["timeUnixNano"]), metric["name"]
            point["attributes"] = flatten(point.get("attributes", []))
            points.append(json.dumps(point["attributes"], sort_keys=True))
        assert len(set(points)) == len(points), metric["name"] + " has a point twice"


def read(request):
    body = json.loads(request["body"])
    (kind,) = body
    message, scoped, name = KINDS[kind]
    assert request["method"] == "POST" and request["headers"]["content-type"] == "application/json", request["headers"]
    json_format.ParseDict(translate(body), message())
    ((resource,),) = [body[kind]]
    (scope,) = resource[scoped]
    items = scope[name]
    assert items, "an empty message"
    (check_spans if name == "spans" else check_metrics)(items)
    return {
        "path": request["path"],
        "resource": flatten(resource["resource"]["attributes"]),
        "scope": scope["scope"],
        name: items,
    }


def main():
    with open(sys.argv[1]) as file:
        for line in file:
            print(json.dumps(read(json.loads(line))))


if __name__ == "__main__":
    main()
