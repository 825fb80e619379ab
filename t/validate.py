#!/usr/bin/python3
"""validate.py SCHEMA accepts|refuses: exits with 0 when the JSON Schema does so for every document on standard input, one a
line; prints the others."""
import json, sys
from jsonschema import Draft202012Validator

with open(sys.argv[1]) as file:
    validator = Draft202012Validator(json.load(file))
lines = [line for line in sys.stdin if line.strip()]
wrong = [line for line in lines if validator.is_valid(json.loads(line)) != (sys.argv[2] == "accepts")]
for line in wrong:
    print("the schema does not do so:", line, *[error.message for error in validator.iter_errors(json.loads(line))], file=sys.stderr)
sys.exit(bool(wrong) or not lines)
