package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const example = "../../../config.example.yaml"

// TestExample reads the example as a user would after filling secrets in.
func TestExample(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"telegram.token": "123456:AAFakeFakeFakeFake", "slack.bot": "xoxb-1-fake", "slack.app": "xapp-1-fake",
	} {
		write(t, filepath.Join(folder, name), text)
	}
	cfg, faults := Load(example, environment(map[string]string{"CREDENTIALS_DIRECTORY": folder}))
	if faults != nil {
		t.Fatal(strings.Join(faults.Render(locale(t, "en")), "\n"))
	}
	if faults := cfg.CheckRun(); faults != nil {
		t.Error(strings.Join(faults.Render(locale(t, "en")), "\n"))
	}
	// The values that the example has for these sections are the defaults.
	for got, want := range map[string]string{
		fmt.Sprintf("%+v", cfg.Thresholds): fmt.Sprintf("%+v", Default[Thresholds]()), schedules(cfg.Schedule): schedules(Default[Schedule]()),
		fmt.Sprintf("%+v", cfg.Alerts): fmt.Sprintf("%+v", Default[Alerts]()), fmt.Sprintf("%+v", cfg.Probe): fmt.Sprintf("%+v", Default[Probe]()),
		fmt.Sprintf("%+v", cfg.Delivery): fmt.Sprintf("%+v", Default[Delivery]()),
	} {
		if got != want {
			t.Errorf("the example has %s, the defaults are %s", got, want)
		}
	}
}

// TestExampleHasEveryKey looks for each key on a line of its own, with a
// comment, at its depth in the file.
func TestExampleHasEveryKey(t *testing.T) {
	text := source(t, example)
	eachField(reflect.TypeFor[Config](), "", func(f field, path string) {
		for _, key := range f.keys() {
			depth := strings.Repeat("  ", strings.Count(strings.ReplaceAll(path, "[]", "."), "."))
			line := regexp.MustCompile(`(?m)^(` + depth + `(# )?|` + strings.TrimPrefix(depth, "  ") + `- )` + key + `:.* # .`)
			if !line.MatchString(text) {
				t.Errorf("%s: no line with the key %q and a comment", path, key)
			}
		}
	})
}

func TestSchema(t *testing.T) {
	root := schemaOf(t)
	eachField(reflect.TypeFor[Config](), "", func(f field, path string) {
		node := property(root, parent(strings.ReplaceAll(path, "[]", "")))
		if node["additionalProperties"] != false {
			t.Errorf("the section of %s takes any key", path)
		}
		for _, key := range f.keys() {
			own, ok := node["properties"].(map[string]any)[key].(map[string]any)
			if !ok || own["title"] == "" {
				t.Errorf("%s has no title in the schema", path)
			}
		}
	})
	processing := property(root, "thresholds.processing")["properties"].(map[string]any)
	got, err := json.Marshal(processing["critical"])
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"default":100,"minimum":1,"title":"Critical threshold","type":"integer"}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func schemaOf(t *testing.T) map[string]any {
	t.Helper()
	text, err := Schema(locale(t, "en"))
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// property follows the schema to a section.
func property(node map[string]any, path string) map[string]any {
	if path == "" {
		return node
	}
	for _, key := range strings.Split(path, ".") {
		node = node["properties"].(map[string]any)[key].(map[string]any)
		if items, ok := node["items"].(map[string]any); ok {
			node = items
		}
	}
	return node
}

// TestExampleFitsTheSchema checks that editors do not mark what Load accepts.
// It supports the part of JSON Schema that Schema writes.
func TestExampleFitsTheSchema(t *testing.T) {
	var value any
	if err := yaml.Unmarshal([]byte(source(t, example)), &value); err != nil {
		t.Fatal(err)
	}
	fits(t, "", schemaOf(t), value)
}

func fits(t *testing.T, path string, schema map[string]any, value any) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			own, ok := schema["additionalProperties"].(map[string]any) // of a table: any key
			if properties, fixed := schema["properties"].(map[string]any); fixed {
				own, ok = properties[key].(map[string]any)
			}
			if !ok {
				t.Errorf("the schema has no %s", join(path, key))
				continue
			}
			fits(t, join(path, key), own, inner)
		}
	case []any:
		for _, item := range v {
			fits(t, path+"[]", schema["items"].(map[string]any), item)
		}
	case string:
		if either, ok := schema["anyOf"].([]any); ok {
			schema = either[0].(map[string]any)
		}
		pattern, _ := schema["pattern"].(string)
		words, limited := schema["enum"].([]any)
		if schema["type"] != "string" || !regexp.MustCompile(pattern).MatchString(v) || limited && !slices.Contains(words, value) {
			t.Errorf("%s: %q does not fit %v", path, v, schema)
		}
	case bool:
		if schema["type"] != "boolean" {
			t.Errorf("%s: %v does not fit %v", path, v, schema)
		}
	default:
		if schema["type"] != "integer" {
			t.Errorf("%s: %v does not fit %v", path, v, schema)
		}
	}
}
