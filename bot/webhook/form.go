package webhook

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
	"time"
)

// Form is how a body is written.
type Form struct {
	contentType string
	template    *template.Template // nil: the body itself, as JSON
}

// JSON is the content type of a form that names none.
const JSON = "application/json"

// Formats are the forms of Builtin.
func Formats() []string { return []string{"domovoy", "goalert", "alertmanager", "zvonok"} }

// formats are the forms of other receivers' documented APIs.
//
//go:embed formats/*.tmpl
var formats embed.FS

// Builtin returns a form by its name.
func Builtin(name string) (*Form, error) {
	if name == "domovoy" {
		return &Form{contentType: JSON}, nil
	}
	text, err := formats.ReadFile("formats/" + name + ".tmpl")
	if err != nil {
		return nil, fmt.Errorf("there is no form %q", name)
	}
	contentType := JSON
	if name == "zvonok" {
		contentType = "application/x-www-form-urlencoded"
	}
	return NewForm(name, string(text), contentType)
}

// NewForm returns a form that a text/template writes from a Body. An empty content
// type is JSON, and then the text must be JSON. The form is tried with samples, so
// that a mistake shows now and not when a phone should ring.
//
// Besides Go's own, a template has the functions json, which quotes a text, and time,
// which writes a time in RFC 3339; "time 24h" adds a duration.
func NewForm(name, text, contentType string) (*Form, error) {
	if contentType == "" {
		contentType = JSON
	}
	parsed, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"json": quote, "time": rfc3339}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the form: %w", err)
	}
	f := &Form{contentType: contentType, template: parsed}
	for _, sample := range samples() {
		if _, err := f.write(sample); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// write writes a body in the form.
func (f *Form) write(b Body) ([]byte, error) {
	if f.template == nil {
		return json.Marshal(b)
	}
	var out bytes.Buffer
	if err := f.template.Execute(&out, &b); err != nil {
		return nil, fmt.Errorf("writing the form: %w", err)
	}
	body := bytes.TrimSpace(out.Bytes())
	if len(body) > 0 && strings.HasPrefix(f.contentType, JSON) && !json.Valid(body) {
		return nil, fmt.Errorf("writing the form %s: the result is not JSON", f.template.Name())
	}
	return body, nil
}

// quote writes any value as JSON.
func quote(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// rfc3339 writes a time, after adding durations such as 24h, as JSON's own times.
func rfc3339(words ...any) (string, error) {
	at, ok := words[len(words)-1].(time.Time)
	if !ok {
		return "", fmt.Errorf("time wants a time last, not %v", words[len(words)-1])
	}
	for _, word := range words[:len(words)-1] {
		d, err := time.ParseDuration(fmt.Sprint(word))
		if err != nil {
			return "", err
		}
		at = at.Add(d)
	}
	return at.UTC().Format(time.RFC3339), nil
}
