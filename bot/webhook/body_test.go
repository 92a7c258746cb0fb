package webhook

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// checkBody checks a body against the schema that is documented.
func checkBody(t *testing.T, text []byte) {
	t.Helper()
	var body, schema map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	fits(t, "body", schema, body)
}

// fits checks a value against the part of JSON Schema that the schema uses. A field
// that the schema does not name is a fault of the schema.
func fits(t *testing.T, path string, schema map[string]any, value any) {
	t.Helper()
	if want, ok := schema["const"]; ok && value != want {
		t.Errorf("%s is %v, want %v", path, value, want)
	}
	if words, ok := schema["enum"].([]any); ok && !slices.Contains(words, value) {
		t.Errorf("%s is %v, want one of %v", path, value, words)
	}
	kind := ""
	switch v := value.(type) {
	case map[string]any:
		kind = "object"
		properties := schema["properties"].(map[string]any)
		for _, name := range schema["required"].([]any) {
			if _, ok := v[name.(string)]; !ok {
				t.Errorf("%s has no %s", path, name)
			}
		}
		for name, inner := range v {
			if own, ok := properties[name].(map[string]any); ok {
				fits(t, path+"."+name, own, inner)
			} else {
				t.Errorf("the schema has no %s.%s", path, name)
			}
		}
	case []any:
		kind = "array"
		for _, inner := range v {
			fits(t, path+"[]", schema["items"].(map[string]any), inner)
		}
	case string:
		kind = "string"
		if _, err := time.Parse(time.RFC3339, v); schema["format"] == "date-time" && err != nil {
			t.Errorf("%s is no time: %v", path, err)
		}
	case float64:
		kind = "integer"
		if least, ok := schema["minimum"].(float64); ok && v < least {
			t.Errorf("%s is %v, want %v at least", path, v, least)
		}
	}
	if want, ok := schema["type"]; ok && want != kind {
		t.Errorf("%s is of type %q, want %q", path, kind, want)
	}
}

// TestSchema: the schema describes every field of every body.
func TestSchema(t *testing.T) {
	named := map[string]bool{}
	for _, sample := range samples() {
		text, err := json.Marshal(sample)
		if err != nil {
			t.Fatal(err)
		}
		checkBody(t, text)
		var body map[string]any
		if err := json.Unmarshal(text, &body); err != nil {
			t.Fatal(err)
		}
		for name := range body {
			named[name] = true
		}
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	for name := range schema.Properties {
		if !named[name] {
			t.Errorf("the schema has a field %s that no body has", name)
		}
	}
}

// TestBody is the example of the documentation.
func TestBody(t *testing.T) {
	got, err := json.Marshal(newBody(bundle(t), alert(), time.Date(2026, 11, 28, 12, 15, 3, 900, time.FixedZone("MSK", 3*60*60)), "token=x"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"delivery":"17-1795943400000","sent":"2026-11-28T09:15:03Z","language":"ru",` +
		`"title":"isp1: не удалось выпустить 61 сертификат (порог 50)","text":"Час назад было 14.\n\nПричины\n• порт 80 не открывается — 40",` +
		`"event":"opened","problem":7,"server":"isp1","code":"panel.failed","severity":"critical","opened":"2026-11-28T08:00:00Z",` +
		`"count":{"value":61,"threshold":50},"next":{"who":"us","text":"пройтись по списку"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
