#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads metrics by somebody else's grammar: metrics.py openmetrics|prometheus FILE

Prints one sample a line, in the order of the file: NAME{LABEL="VALUE",...} VALUE, the labels sorted and their values as JSON. A text
that is not what the format says is an error. The OpenMetrics parser is that of the Python client of Prometheus, the project where
OpenMetrics comes from.
"""
import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics


def number(value):
    return str(int(value)) if value == int(value) else repr(value)


def main():
    grammar = {"openmetrics": openmetrics, "prometheus": parser}[sys.argv[1]]
    with open(sys.argv[2], newline="") as file:
        text = file.read()
    for family in grammar.text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(sample.labels.items()))
            print(f"{sample.name}{{{labels}}} {number(sample.value)}")


if __name__ == "__main__":
    main()
