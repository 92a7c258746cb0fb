// Package golden keeps every message that a person can get, as each messenger
// shows it, in each language.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot/console"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/i18n"
	"domovoy/reports"
)

var update = flag.Bool("update", false, "write the golden files anew, and remove those of no case")

// now is when every message is composed: a Saturday, 14:05 in Moscow.
var now = time.Date(2026, 11, 21, 11, 5, 0, 0, time.UTC)

// width of the console.
const width = 100

// message composes one message for one reader.
type message func(w reports.Writer) reports.Message

// cases are all messages by name: the table of this package.
func cases() map[string]message {
	all := map[string]message{}
	for _, some := range []map[string]message{
		alertCases(), nameCases(), panelCases(), statusCases(), checkCases(), whyCases(), listCases(), dailyCases(), talkCases(),
		liveCases(), sweepCases(), outwardCases(), replayCases(), weeklyCases(), causeCases(), limitCases(), cancelCases(),
	} {
		for name := range some {
			if all[name] != nil {
				panic("two cases are called " + name)
			}
		}
		maps.Copy(all, some)
	}
	return all
}

func TestMessages(t *testing.T) {
	bundle := load(t)
	written := map[string]bool{}
	for name, compose := range cases() {
		for _, language := range bundle.Languages() {
			t.Run(name+"."+language, func(t *testing.T) {
				for file, text := range rendered(t, bundle, compose, language) {
					file = name + "." + language + "." + file
					written[file] = true
					for _, fault := range []string{"⟨", "<no value>", "%!", "0001"} {
						if strings.Contains(text, fault) {
							t.Errorf("%s says %q", file, fault)
						}
					}
					compare(t, file, text)
				}
			})
		}
	}
	t.Run("no file without a case", func(t *testing.T) { forgotten(t, written) })
}

// rendered gives a message as each messenger shows it, by the end of the
// file's name.
func rendered(t *testing.T, bundle *i18n.Bundle, compose message, language string) map[string]string {
	m := compose(writer(t, bundle, language))
	for i := range m.Actions {
		m.Actions[i].ID = "a" + strconv.Itoa(i+1) // as the journal would
	}
	files := map[string]string{
		"telegram.html": telegram.Render(bundle, m) + "\n",
		"slack.json":    blocks(t, m, bundle),
		"console.txt":   console.Render(m, bundle, width, false),
	}
	for _, f := range m.Files {
		files["file"+filepath.Ext(f.Name)] = string(f.Data)
	}
	return files
}

// blocks of Slack, readable.
func blocks(t *testing.T, m reports.Message, bundle *i18n.Bundle) string {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(slack.Render(m, bundle)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// forgotten finds files that no case writes any more.
func forgotten(t *testing.T, written map[string]bool) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch {
		case written[f.Name()]:
		case *update:
			if err := os.Remove(filepath.Join("testdata", f.Name())); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("testdata/%s belongs to no case", f.Name())
		}
	}
}

func load(t *testing.T) *i18n.Bundle {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func writer(t *testing.T, bundle *i18n.Bundle, language string) reports.Writer {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return reports.Writer{Locale: bundle.Locale(language, zone), Now: now}
}

// text is all that a message says, without marks.
func text(m reports.Message) string {
	lines := []string{m.Title}
	for _, s := range m.Sections {
		lines = append(lines, s.Heading, s.Text)
		for _, i := range s.Items {
			lines = append(lines, i.Text, i.Note)
		}
		lines = append(lines, s.Quote)
	}
	for _, a := range m.Actions {
		lines = append(lines, a.Label)
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}
