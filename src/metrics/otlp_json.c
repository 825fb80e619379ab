/* SPDX-License-Identifier: MIT */
#include "metrics/otlp_json.h"

#include "alloc.h"
#include "error.h"
#include "log.h"
#include "metrics/otlp_settings.h"
#include "proc.h"
#include "str.h"

void otlp_set_number(cJSON *object, const char *name, long long number)
{
	AUTO_FREE char *text = xasprintf("%lld", number);

	json_set_string(object, name, text);
}

void otlp_set_time(cJSON *object, const char *name, long long milliseconds)
{
	otlp_set_number(object, name, milliseconds * 1000000);
}

/* Returns the attribute of that key, a new one when there is none. */
static cJSON *attribute_of(cJSON *object, const char *key)
{
	cJSON *attributes = json_get(object, "attributes"), *attribute;

	if (!attributes) {
		attributes = xrequire(cJSON_CreateArray());
		json_set(object, "attributes", attributes);
	}
	cJSON_ArrayForEach(attribute, attributes)
	{
		if (str_equal(json_string(attribute, "key"), key))
			return attribute;
	}
	attribute = xrequire(cJSON_CreateObject());
	json_set_string(attribute, "key", key);
	cJSON_AddItemToArray(attributes, attribute);
	return attribute;
}

void otlp_add_attribute(cJSON *object, const char *key, const cJSON *value)
{
	cJSON *any = xrequire(cJSON_CreateObject());

	if (cJSON_IsString(value))
		json_set_string(any, "stringValue", cJSON_GetStringValue(value));
	else if (value && cJSON_IsNumber(value))
		otlp_set_number(any, "intValue", (long long)value->valuedouble);
	else if (cJSON_IsBool(value))
		json_set_bool(any, "boolValue", cJSON_IsTrue(value));
	if (any->child)
		json_set(attribute_of(object, key), "value", any);
	else
		cJSON_Delete(any);
}

void otlp_add_text(cJSON *object, const char *key, const char *text)
{
	AUTO_JSON cJSON *value = text ? xrequire(cJSON_CreateString(text)) : NULL;

	otlp_add_attribute(object, key, value);
}

static void add_named(const char *name, const char *value, void *context)
{
	otlp_add_text(context, name, value);
}

/* Of what says the same, the last counts. */
static cJSON *make_resource(const cJSON *document)
{
	const char *given = proc_variable("OTEL_RESOURCE_ATTRIBUTES");
	const char *host = json_string(document, "host"), *root = json_string(document, "root");
	AUTO_FREE char *instance = xasprintf("%s:%s", host ? host : "localhost", root);
	cJSON *resource = xrequire(cJSON_CreateObject());
	struct error error;

	otlp_add_text(resource, "service.name", PACKAGE_NAME);
	otlp_add_text(resource, "service.version", PACKAGE_VERSION);
	otlp_add_text(resource, "service.instance.id", instance);
	otlp_add_text(resource, "host.name", host);
	if (given && otlp_each_pair(given, "OTEL_RESOURCE_ATTRIBUTES", add_named, resource, &error))
		log_debug(error.message, "hint", error.hint);
	otlp_add_text(resource, "service.name", proc_variable("OTEL_SERVICE_NAME"));
	return resource;
}

static cJSON *list_of(cJSON *item)
{
	cJSON *list = xrequire(cJSON_CreateArray());

	cJSON_AddItemToArray(list, item);
	return list;
}

cJSON *otlp_wrap(const cJSON *document, const char *kind, const char *scoped, const char *name, cJSON *items)
{
	cJSON *message = xrequire(cJSON_CreateObject()), *of_resource = xrequire(cJSON_CreateObject());
	cJSON *of_scope = xrequire(cJSON_CreateObject());

	json_set_string(of_scope, "scope.name", PACKAGE_NAME);
	json_set_string(of_scope, "scope.version", PACKAGE_VERSION);
	json_set(of_scope, name, items);
	json_set(of_resource, "resource", make_resource(document));
	json_set(of_resource, scoped, list_of(of_scope));
	json_set(message, kind, list_of(of_resource));
	return message;
}
