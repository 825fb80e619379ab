#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""validate.py SCHEMA: says on standard error what is wrong with the JSON on standard input, and fails; or is silent."""
import json
import sys

import jsonschema

with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
problems = list(jsonschema.Draft202012Validator(schema).iter_errors(json.load(sys.stdin)))
for problem in problems:
    print(problem.json_path, problem.message, sep=": ", file=sys.stderr)
sys.exit(bool(problems))
