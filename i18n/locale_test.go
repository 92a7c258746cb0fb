package i18n

import (
	"sync"
	"testing"
	"time"
)

// sample is a locale of texts made for a test, with the words of ru.toml.
func sample(t *testing.T, texts map[string]string) *Locale {
	t.Helper()
	c := *locale(t, "ru").catalog
	c.messages = map[string]*entry{}
	ru := load(t).catalogs["ru"]().messages
	for _, key := range []string{"list.and", "date.at", "date.year", "month.11", "age.hours", "age.minutes"} {
		c.messages[key] = ru[key]
	}
	for key, source := range texts {
		c.messages[key] = &entry{other: text{source: source}}
	}
	return &Locale{catalog: &c, zone: time.FixedZone("MSK", 3*60*60)}
}

func TestArguments(t *testing.T) {
	l := sample(t, map[string]string{
		"plain":    "как есть",
		"value":    "вот {{.X}}",
		"optional": "вот{{if .X}}: {{.X}}{{end}}",
		"choice":   `{{if eq .X "a"}}первое{{else}}второе{{end}}`,
		"wrong":    "{{.X.Y}}",
	})
	type code string
	tests := []struct {
		name, key string
		args      []Args
		want      string
	}{
		{"no arguments", "plain", nil, "как есть"},
		{"a string goes unchanged", "value", []Args{{"X": "<a> & {{.X}}"}}, "вот <a> & {{.X}}"},
		{"so does a named string", "value", []Args{{"X": code("ca.dns")}}, "вот ca.dns"},
		{"an int is grouped", "value", []Args{{"X": 1500}}, "вот 1_500"},
		{"an int64 is grouped", "value", []Args{{"X": int64(1500)}}, "вот 1_500"},
		{"a float64 has a comma", "value", []Args{{"X": 1.5}}, "вот 1,5"},
		{"a duration is an age", "value", []Args{{"X": 192 * time.Minute}}, "вот 3 ч 12 мин"},
		{"a time is complete", "value", []Args{{"X": time.Date(2026, 11, 21, 11, 5, 0, 0, time.UTC)}}, "вот 21 ноября 2026 в 14:05"},
		{"strings are a list", "value", []Args{{"X": []string{"a", "b"}}}, "вот a и b"},
		{"later maps win", "value", []Args{{"X": "a"}, nil, {"X": "b"}}, "вот b"},
		{"a forgotten argument shows", "value", nil, "вот ⟨X⟩"},
		{"so does a misspelt one", "value", []Args{{"x": 1}}, "вот ⟨X⟩"},
		{"and nil", "value", []Args{{"X": nil}}, "вот ⟨X⟩"},
		{"an optional argument may be absent", "optional", nil, "вот"},
		{"or empty", "optional", []Args{{"X": ""}}, "вот"},
		{"or there", "optional", []Args{{"X": 2}}, "вот: 2"},
		{"a choice", "choice", []Args{{"X": "a"}}, "первое"},
		{"a choice without argument", "choice", nil, "второе"},
		{"a key that is not there shows", "no.such", nil, "⟨no.such⟩"},
		{"an empty key shows", "", nil, "⟨⟩"},
		{"a text that cannot be filled in shows its key", "wrong", []Args{{"X": 1}}, "⟨wrong⟩"},
	}
	for _, tt := range tests {
		if got := l.Say(tt.key, tt.args...); got != nb(tt.want) {
			t.Errorf("%s: Say(%q, %v) = %q, want %q", tt.name, tt.key, tt.args, got, nb(tt.want))
		}
	}
	if got, want := l.Count("no.such", 5), "⟨no.such⟩"; got != want {
		t.Errorf("Count of a missing key = %q, want %q", got, want)
	}
}

func TestArgumentsStayTheCallers(t *testing.T) {
	l := sample(t, map[string]string{"value": "вот {{.X}}{{.Y}}"})
	args := Args{"X": 1500}
	l.Say("value", args)
	l.Count("value", 3, args)
	if len(args) != 1 || args["X"] != 1500 {
		t.Errorf("after Say and Count the caller's arguments are %v", args)
	}
}

// A key that only English has must not be shown in English to a Russian reader.
func TestMissingTranslationShows(t *testing.T) {
	b := load(t)
	delete(b.catalogs["ru"]().messages, "age.moment")
	if got, want := b.Locale("ru", nil).Say("age.moment"), "⟨age.moment⟩"; got != want {
		t.Errorf("Say = %q, want %q", got, want)
	}
	if ru, en := b.Locale("ru", nil).Has("age.moment"), b.Locale("en", nil).Has("age.moment"); ru || !en {
		t.Errorf("Has = %t in ru and %t in en, want false and true", ru, en)
	}
}

// Meant for -race.
func TestLocaleIsSharedByGoroutines(t *testing.T) {
	l := locale(t, "ru")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 50 {
				l.Count("age.days", n*1000)
				l.Percent(float64(n) / 50)
				l.DateTime(time.Unix(int64(n)*1e7, 0), time.Unix(0, 0))
			}
		})
	}
	wg.Wait()
}
