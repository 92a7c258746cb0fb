package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"

	"domovoy/i18n"
)

// Schema returns the JSON Schema of the file, with which editors complete keys.
// It is made from the field table that also reads the file.
// What its titles say is in the language of l.
func Schema(l *i18n.Locale) ([]byte, error) {
	root := sectionSchema(reflect.TypeFor[Config](), "", l)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Domovoy"
	root["anyOf"] = []any{map[string]any{"required": []string{"panels"}}, map[string]any{"required": []string{"fleet"}}}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(text, '\n'), nil
}

func sectionSchema(section reflect.Type, around string, l *i18n.Locale) map[string]any {
	properties, need := map[string]any{}, []string{}
	for _, f := range fieldsOf(section) {
		if f.is == "secret" {
			properties[f.key] = titled(f.titleOf(join(around, f.key), f.key, l), patterned(onlyReference.String()))
			properties[f.file()] = titled(f.titleOf(join(around, f.file()), f.file(), l), typed("string"))
			continue
		}
		properties[f.key] = f.schema(join(around, f.key), l)
		if f.need {
			need = append(need, f.key)
		}
	}
	schema := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(need) > 0 {
		schema["required"] = need
	}
	return schema
}

func (f field) schema(path string, l *i18n.Locale) map[string]any {
	one := map[string]any{}
	switch {
	case f.section():
		one = sectionSchema(f.typ, path, l)
	case f.is == "":
		one = sectionSchema(f.typ.Elem(), path, l)
	default:
		maps.Copy(one, kinds(f.is).schema)
	}
	if pattern, ok := one["pattern"].(string); ok && !f.need && !f.list() {
		one["pattern"] = "^$|" + pattern // an empty value is valid and means absent
	}
	if len(f.words) > 0 {
		one["enum"] = f.words
	}
	if least, err := strconv.Atoi(f.least); err == nil {
		one["minimum"] = least
	}
	if most, err := strconv.Atoi(f.most); err == nil {
		one["maximum"] = most
	}
	if f.table() {
		one = map[string]any{"type": "object", "additionalProperties": one}
	}
	if f.list() {
		one = map[string]any{"type": "array", "items": one}
	}
	if f.fallback != "" {
		one["default"] = f.fallbackValue()
	}
	return titled(f.titleOf(path, f.key, l), one)
}

// fallbackValue returns the default with its JSON type.
func (f field) fallbackValue() any {
	switch {
	case f.list():
		return strings.Fields(f.fallback)
	case f.is == "truth":
		return f.fallback == "true"
	case f.is == "count":
		n, _ := strconv.Atoi(f.fallback)
		return n
	}
	return f.fallback
}

func titled(title string, schema map[string]any) map[string]any {
	schema["title"] = title
	return schema
}

func typed(name string) map[string]any { return map[string]any{"type": name} }

func patterned(pattern string) map[string]any {
	return map[string]any{"type": "string", "pattern": pattern}
}

func shareSchema() map[string]any {
	return map[string]any{"anyOf": []any{
		patterned(`^[0-9.]+( ?/ ?[0-9.]+|%)$`),
		map[string]any{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
	}}
}
