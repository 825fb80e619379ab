# SPDX-License-Identifier: MIT
# Prints the JSON Schema of the document. Its input is lib/error.def, for the words of error.code, and then
# src/document.def, whose members stand behind the objects that they are in.

function quote(text)
{
	gsub(/[\\"]/, "\\\\&", text)
	return "\"" text "\""
}

# Returns the words of "a, b or c" as the members of an array.
function words(text)
{
	gsub(/, | or /, "\", \"", text)
	return "[\"" text "\"]"
}

# Returns a member of an object.
function property(name, schema)
{
	return quote(name) ": {" schema "}"
}

# Returns an array of objects that have all those members.
function objects(names, properties)
{
	gsub(/ /, "\", \"", names)
	return "\"type\": \"array\", \"items\": {\"type\": \"object\", \"required\": [\"" names "\"], \"properties\": {" properties "}}"
}

BEGIN {
	type["STRING"] = "\"type\": \"string\""
	type["NUMBER"] = "\"type\": \"integer\""
	type["BOOLEAN"] = "\"type\": \"boolean\""
	type["TIME"] = "\"type\": \"string\", \"format\": \"date-time\""
	type["OBJECT"] = "\"type\": \"object\", \"properties\": {"
	type["STRINGS"] = "\"type\": \"array\", \"items\": {\"type\": \"string\"}"
	type["HOOKS"] = objects("name command exit_code duration_ms stdout stderr", \
				property("name", type["STRING"]) ", " property("command", type["STRING"]) ", " \
				property("started_at", type["TIME"]) ", " property("exit_code", type["NUMBER"]) ", " property("duration_ms", type["NUMBER"]) ", " \
				property("stdout", type["STRING"]) ", " property("stderr", type["STRING"]))
	type["SIGNATURES"] = objects("key_id file comment", \
				     property("key_id", type["STRING"] ", \"pattern\": \"^[0-9A-F]{16}$\"") ", " \
				     property("file", type["STRING"]) ", " property("comment", type["STRING"]))
	type["NOTICES"] = objects("time stage kind text sent", \
				  property("time", type["TIME"]) ", " property("stage", type["STRING"]) ", " \
				  property("kind", "\"enum\": " words("progress, important, hook or error")) ", " \
				  property("text", type["STRING"]) ", " property("sent", type["BOOLEAN"]) ", " \
				  property("sent_to", type["STRINGS"]))
}

/^ERROR\(/ {
	split($0, parts, "\"")
	codes = codes (codes ? ", " : "") quote(parts[2])
}

/^MEMBER\(/ {
	split($0, parts, "\"")
	split(parts[3], columns, /, */)
	path = parts[2]
	meaning = parts[4]
	name = path
	sub(/.*\./, "", name)
	if (inside && index(path, inside ".") != 1) {
		body = body "\n\t\t}}"
		inside = ""
	}
	if (body && body !~ /\{$/)
		body = body ","
	body = body "\n\t\t" (inside ? "\t" : "") quote(name) ": {\"description\": " quote(meaning) ", " type[columns[2]]
	if (path == "dewy")
		body = body ", \"const\": 1"
	else if (path == "state" || path == "mode")
		body = body ", \"enum\": " words(meaning)
	else if (path == "error.code")
		body = body ", \"enum\": [" codes "]"
	if (columns[2] == "OBJECT")
		inside = path
	else
		body = body "}"
	if (columns[4] == "ANY")
		required = required (required ? ", " : "") quote(path)
}

END {
	if (inside)
		body = body "\n\t\t}}"
	print "{"
	print "\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\","
	print "\t\"title\": \"dewy-document\","
	print "\t\"description\": \"What passes between the stages of dewy; see dewy-document(5). Unknown members are allowed.\","
	print "\t\"type\": \"object\","
	print "\t\"required\": [" required "],"
	print "\t\"properties\": {" body
	print "\t}"
	print "}"
}
