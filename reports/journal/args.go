package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"domovoy/checks"
)

// storedArg is an argument whose kind JSON cannot tell.
type storedArg struct {
	Time     *time.Time     `json:"time,omitempty"`
	Duration *time.Duration `json:"duration,omitempty"` // nanoseconds
}

// encodeFinding writes a finding so that decodeFinding gives back arguments
// of the same kinds: a text template counts on whole numbers and times.
func encodeFinding(f checks.Finding) (string, error) {
	args := make(checks.Args, len(f.Args))
	for name, v := range f.Args {
		switch v := v.(type) {
		case time.Time:
			utc := v.UTC()
			args[name] = storedArg{Time: &utc}
		case time.Duration:
			args[name] = storedArg{Duration: &v}
		default:
			args[name] = v
		}
	}
	f.Args = args
	text, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("storing the finding %s: %w", f.Key(), err)
	}
	return string(text), nil
}

func decodeFinding(text string) (f checks.Finding, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(&f); err != nil {
		return f, fmt.Errorf("reading a stored finding: %w", err)
	}
	for name, v := range f.Args {
		f.Args[name] = decodeArg(v)
	}
	if len(f.Args) == 0 {
		f.Args = nil
	}
	return f, nil
}

// decodeArg gives whole numbers back as int, and lists as []string where all
// their elements are strings.
func decodeArg(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		n, _ := v.Float64()
		return n
	case map[string]any:
		return decodeStored(v)
	case []any:
		return decodeList(v)
	}
	return v
}

func decodeStored(v map[string]any) any {
	text, err := json.Marshal(v)
	var a storedArg
	if err != nil || json.Unmarshal(text, &a) != nil {
		return v
	}
	switch {
	case a.Time != nil:
		return *a.Time
	case a.Duration != nil:
		return *a.Duration
	}
	return v
}

func decodeList(list []any) any {
	texts := make([]string, 0, len(list))
	for i, v := range list {
		list[i] = decodeArg(v)
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
	}
	if len(texts) == len(list) {
		return texts
	}
	return list
}
