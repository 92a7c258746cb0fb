// Package golden compares every message that a person can get, in each
// language, with golden files: as the console shows it, one file a topic, and
// for messages of every shape as Telegram and Slack show them.
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
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"domovoy/bot/console"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

var update = flag.Bool("update", false, "rewrite the golden files, and remove those that no topic has")

// now is when every message is composed: a Saturday, 14:05 in Moscow.
var now = time.Date(2026, 11, 21, 11, 5, 0, 0, time.UTC)

// width of the console.
const width = 100

// message composes one message for one reader.
type message func(w compose.Writer) reports.Message

// topics are all messages by name, grouped by the golden file that holds them.
func topics() map[string]map[string]message {
	return map[string]map[string]message{
		"chart": chartCases(), "alerts": alertCases(), "life": lifeCases(), "problems": problemCases(), "names": nameCases(), "panel": panelCases(), "server-outside": outwardCases(),
		"status": statusCases(), "check": checkCases(), "causes": causeCases(), "why": whyCases(), "site-outside": outsideCases(),
		"lists": listCases(), "ending": endingCases(), "daily": dailyCases(), "weekly": weeklyCases(), "sweep": sweepCases(), "replay": replayCases(),
		"limits": limitCases(), "cancel": cancelCases(), "talk": talkCases(), "delivery": deliveryCases(), "customer": customerCases(), "fleet": fleetCases(),
	}
}

// cases are all messages by name.
func cases() map[string]message {
	all := map[string]message{}
	for _, some := range topics() {
		for name := range some {
			if all[name] != nil {
				panic("two cases are called " + name)
			}
		}
		maps.Copy(all, some)
	}
	return all
}

// TestMessages compares what the console shows of each message, and the files
// that come with it, with one archive a topic and language.
func TestMessages(t *testing.T) {
	bundle := load(t)
	for topic, some := range topics() {
		for _, language := range bundle.Languages() {
			t.Run(topic+"."+language, func(t *testing.T) {
				var got []txtar.File
				for _, name := range slices.Sorted(maps.Keys(some)) {
					m := composed(t, bundle, some[name], language)
					got = append(got, txtar.File{Name: name, Data: []byte(console.Render(m, bundle, width, false))})
					for _, f := range m.Files {
						got = append(got, txtar.File{Name: name + "/" + f.Name, Data: f.Data})
					}
				}
				compare(t, topic+"."+language, got)
			})
		}
	}
}

// TestShapes compares what Telegram and Slack show of the shapes with one
// archive a messenger and language.
func TestShapes(t *testing.T) {
	bundle := load(t)
	all := cases()
	for _, messenger := range []string{"telegram", "slack"} {
		for _, language := range bundle.Languages() {
			t.Run(messenger+"."+language, func(t *testing.T) {
				var got []txtar.File
				for _, name := range shapes() {
					if all[name] == nil {
						t.Fatalf("no case is called %s", name)
					}
					text := rendered(t, bundle, composed(t, bundle, all[name], language))[messenger]
					got = append(got, txtar.File{Name: name, Data: []byte(text)})
				}
				compare(t, messenger+"."+language, got)
			})
		}
	}
}

// TestNoOtherFiles finds golden files that no topic and no messenger has.
func TestNoOtherFiles(t *testing.T) {
	wanted := map[string]bool{}
	for _, language := range load(t).Languages() {
		for _, name := range slices.AppendSeq([]string{"telegram", "slack"}, maps.Keys(topics())) {
			wanted[name+"."+language+".txtar"] = true
		}
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch {
		case wanted[f.Name()]:
		case *update:
			if err := os.Remove(filepath.Join("testdata", f.Name())); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("testdata/%s belongs to no topic; -update removes it", f.Name())
		}
	}
}

// composed returns a message with the identifiers of buttons that the journal
// would assign.
func composed(t *testing.T, bundle *i18n.Bundle, compose message, language string) reports.Message {
	t.Helper()
	m := compose(writer(t, bundle, language))
	for i := range m.Actions {
		m.Actions[i].ID = "a" + strconv.Itoa(i+1)
	}
	return m
}

// rendered returns a message as each messenger shows it, and its files, by
// messenger or file name.
func rendered(t *testing.T, bundle *i18n.Bundle, m reports.Message) map[string]string {
	t.Helper()
	all := map[string]string{
		"telegram": telegram.Render(bundle, m) + "\n",
		"slack":    blocks(t, m, bundle),
		"console":  console.Render(m, bundle, width, false),
	}
	for _, f := range m.Files {
		all[f.Name] = string(f.Data)
	}
	return all
}

// blocks returns Slack's blocks, indented.
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

// compare compares sections with those of the archive testdata/NAME.txtar,
// each in a subtest of its own.
func compare(t *testing.T, name string, got []txtar.File) {
	t.Helper()
	path := filepath.Join("testdata", name+".txtar")
	data := txtar.Format(&txtar.Archive{Files: got})
	if lost := cmp.Diff(got, txtar.Parse(data).Files); lost != "" {
		t.Fatalf("%s cannot hold these sections (-section +read back):\n%s", path, lost)
	}
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	for _, f := range got {
		t.Run(f.Name, func(t *testing.T) {
			if text, ok := want[f.Name]; !ok {
				t.Errorf("%s has no section %s; -update writes it", path, f.Name)
			} else if lines := diff.Diff("want", []byte(text), "got", f.Data); lines != nil {
				t.Errorf("%s, section %s:\n%s", path, f.Name, lines)
			}
		})
		delete(want, f.Name)
	}
	for section := range want {
		t.Errorf("%s: section %s belongs to no case; -update removes it", path, section)
	}
	if current, err := os.ReadFile(path); err != nil || !t.Failed() && !bytes.Equal(current, data) {
		t.Errorf("%s is not as -update writes it (order, repeated sections or a comment): %v", path, err)
	}
}

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

func load(t *testing.T) *i18n.Bundle {
	t.Helper()
	bundle, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func writer(t *testing.T, bundle *i18n.Bundle, language string) compose.Writer {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return compose.Writer{Locale: bundle.Locale(language, zone), Now: now}
}

// text returns all texts of a message, without markup.
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
