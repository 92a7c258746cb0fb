package webhook

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/reports"
)

// documented are the fields of a receiver's API, as its documentation names them.
type documented struct {
	source   string // and the day it was read
	required []string
	optional []string
}

// goalert and alertmanager are read from a stored copy of these pages.
func goalert() documented {
	return documented{
		source:   "github.com/target/goalert, web/src/app/documentation/sections/IntegrationKeys.md at 040df8d, Generic API; read on 2026-11-29",
		required: []string{"summary"}, // token stands in the URL
		optional: []string{"details", "action", "dedup", "meta"},
	}
}

func alertmanager() documented {
	return documented{
		source:   "github.com/prometheus/alertmanager, api/v2/openapi.yaml at 07d03b6, postableAlert; prometheus.io/docs/alerting/latest/alerts_api; read on 2026-11-29",
		required: []string{"labels"},
		optional: []string{"annotations", "startsAt", "endsAt", "generatorURL"},
	}
}

// check fails on a field that is missing, or that the API does not have.
func (d documented) check(t *testing.T, body map[string]any) {
	t.Helper()
	for _, name := range d.required {
		if body[name] == nil || body[name] == "" {
			t.Errorf("%s requires %s", d.source, name)
		}
	}
	for name := range body {
		if !slices.Contains(d.required, name) && !slices.Contains(d.optional, name) {
			t.Errorf("%s has no %s", d.source, name)
		}
	}
}

// written is a message in a form.
func written(t *testing.T, form string, m reports.Message) string {
	t.Helper()
	text, err := builtin(t, form).write(newBody(bundle(t), m, time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), "public_key=abc&campaign_id=5&phone=%2B79990000000"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGoAlert(t *testing.T) {
	for _, sample := range samples() {
		text, err := builtin(t, "goalert").write(sample)
		if err != nil {
			t.Fatal(err)
		}
		var body map[string]any
		if err := json.Unmarshal(text, &body); err != nil {
			t.Fatal(err)
		}
		goalert().check(t, body)
	}
	var open, over struct{ Summary, Details, Action, Dedup string }
	for text, into := range map[string]any{written(t, "goalert", alert()): &open, written(t, "goalert", resolved()): &over} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if open.Summary != alert().Title || !strings.Contains(open.Details, "порт 80") || open.Action != "" {
		t.Errorf("the alert is %+v", open)
	}
	if over.Action != "close" || over.Dedup != open.Dedup || open.Dedup != "domovoy/isp1/7" {
		t.Errorf("the end is %+v, which must close %+v", over, open)
	}
}

func TestAlertmanager(t *testing.T) {
	type alertOf struct {
		Labels, Annotations map[string]string // the API takes texts only
		StartsAt, EndsAt    time.Time
	}
	read := func(text string) alertOf {
		t.Helper()
		var fields []map[string]any
		var alerts []alertOf
		for _, into := range []any{&fields, &alerts} {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		if len(alerts) != 1 {
			t.Fatalf("%d alerts in %s", len(alerts), text)
		}
		alertmanager().check(t, fields[0])
		if alerts[0].Labels["alertname"] == "" {
			t.Errorf("no alertname in %s", text)
		}
		if !alerts[0].EndsAt.After(alerts[0].StartsAt) {
			t.Errorf("it ends before it starts: %s", text)
		}
		return alerts[0]
	}
	for _, sample := range samples() {
		text, err := builtin(t, "alertmanager").write(sample)
		if err != nil {
			t.Fatal(err)
		}
		read(string(text))
	}
	open, over := read(written(t, "alertmanager", alert())), read(written(t, "alertmanager", resolved()))
	want := map[string]string{"alertname": "panel.failed", "server": "isp1", "problem": "7", "severity": "critical"}
	for name, value := range want {
		if open.Labels[name] != value || over.Labels[name] != value {
			t.Errorf("%s: %q and %q at the end, want %q: the labels are the alert's identity", name, open.Labels[name], over.Labels[name], value)
		}
	}
	if got := open.EndsAt.Format(time.RFC3339); got != "2026-11-29T12:00:00Z" {
		t.Errorf("what lasts ends at %s, want a day after it was sent", got)
	}
	if got := over.EndsAt.Format(time.RFC3339); got != "2026-11-28T09:00:00Z" {
		t.Errorf("what is over ends at %s", got)
	}
	if open.Annotations["summary"] != alert().Title {
		t.Errorf("annotations %v", open.Annotations)
	}
}

// TestZvonok: a phone rings for an alert, not for its end.
func TestZvonok(t *testing.T) {
	fields, err := url.ParseQuery(written(t, "zvonok", alert()))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"public_key": "abc", "campaign_id": "5", "phone": "+79990000000", "text": alert().Title} {
		if fields.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, fields.Get(name), want)
		}
	}
	if end := written(t, "zvonok", resolved()); end != "" {
		t.Errorf("the end is told: %q", end)
	}
}

// TestWrongForms: a mistake in a form of one's own is found before anything is sent.
func TestWrongForms(t *testing.T) {
	for name, tt := range map[string]struct{ text, contentType, want string }{
		"broken":                    {"{{.Title", "", "unclosed action"},
		"a field that is not":       {`{"a": {{json .Tilte}}}`, "", "Tilte"},
		"not JSON":                  {`{"a": {{.Title}}}`, "", "not JSON"},
		"a part that may be absent": {`{"a": {{.Count.Value}}}`, "", "nil"},
		"a time of nothing":         {`{"a": {{time .Title | json}}}`, "", "wants a time"},
		"a good one":                {`{"a": {{json .Title}}, "n": {{with .Count}}{{.Value}}{{else}}null{{end}}}`, "", ""},
		"a good one of plain text":  {`{{.Title}} {{.Severity}}`, "text/plain; charset=utf-8", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewForm("duty.tmpl", tt.text, tt.contentType)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
