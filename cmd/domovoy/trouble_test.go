package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab"
	"domovoy/i18n"
)

// trouble is a way in which a panel's database cannot be read. spoil breaks a
// good one and returns the path for the configuration.
type trouble struct {
	name, reason string
	spoil        func(t *testing.T, good string) string
}

func troubles() []trouble {
	text := func(content string) func(*testing.T, string) string {
		return func(t *testing.T, good string) string {
			return put(t, filepath.Join(filepath.Dir(good), "bad.db"), []byte(content))
		}
	}
	return []trouble{
		{"not a database", "notdatabase", text(strings.Repeat("no database at all\n", 300))},
		{"empty file", "empty", text("")},
		{"truncated", "malformed", truncated},
		{"a folder", "directory", func(_ *testing.T, good string) string { return filepath.Dir(good) }},
		{"gone", "gone", func(_ *testing.T, good string) string { return good + ".old" }},
		{"no permission", "permission", forbidden},
		{"crashed panel", "hotjournal", crashed},
		{"locked", "locked", locked},
		{"of another program", "shape", func(t *testing.T, good string) string {
			sqlite(t, good+".other", "CREATE TABLE notes(id, text)")
			return good + ".other"
		}},
	}
}

func put(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func truncated(t *testing.T, good string) string {
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	return put(t, good+".half", content[:len(content)/2/4096*4096])
}

func forbidden(t *testing.T, good string) string {
	if os.Getuid() == 0 {
		t.Skip("SKIPPED: root may read everything, so no file is forbidden")
	}
	if err := os.Chmod(good, 0); err != nil {
		t.Fatal(err)
	}
	return good
}

// crashed is the state after a power failure: pages written, and the journal to
// undo them, which only a writer may roll back.
func crashed(t *testing.T, good string) string {
	copied := good + ".crashed"
	sqlite(t, good, strings.Join([]string{
		"PRAGMA cache_size = 2;", "BEGIN;",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000)",
		"INSERT INTO letsencrypt_log(certname, status, date) SELECT 'a', 'failed', '2026-11-21 12:00:00' FROM n;",
		".shell cp '" + good + "' '" + copied + "'",
		".shell cp '" + good + "-journal' '" + copied + "-journal'",
		"ROLLBACK;",
	}, "\n"))
	return copied
}

// locked is a panel that writes for longer than the busy timeout.
func locked(t *testing.T, good string) string {
	path := filepath.Join(filepath.Dir(good), "busy.db")
	p, err := lab.NewPanel(path)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := p.Lock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unlock(); _ = p.Close() })
	return path
}

// Commands about a panel that cannot be read: status answers with one clear
// sentence and no numbers, and fails; a list, which would be wrong, is refused.
func TestADatabaseThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range troubles() {
		t.Run(c.name, func(t *testing.T) {
			good := filepath.Join(t.TempDir(), "ispmgr.db")
			sqlite(t, good, lab.Schema(), dated(t, knownPanel, time.UTC))
			file := written(t, c.spoil(t, good), "UTC")
			answer, status := askJSON(t, file, "status")
			if status != exitRefused || answer.Servers[0].Trouble != c.reason {
				t.Errorf("status: exit %d, trouble %q, want %q", status, answer.Servers[0].Trouble, c.reason)
			}
			if len(answer.Metrics) != 6 {
				t.Errorf("%d metrics, want all six", len(answer.Metrics))
			}
			for _, m := range answer.Metrics {
				if m.Value != nil || m.Error != c.reason {
					t.Errorf("%s is %v with the error %q, want null with %q", m.Code, m.Value, m.Error, c.reason)
				}
			}
			answer, status = askJSON(t, file, "list", "failed")
			sentence := english(t).Say("trouble." + c.reason)
			if status != exitRefused || answer.Error.Code != "unavailable" || answer.Error.Text != sentence {
				t.Errorf("list: exit %d, %+v", status, answer.Error)
			}
			if text := askText(t, file, "status"); !strings.Contains(strings.Join(strings.Fields(text), " "), sentence) {
				t.Errorf("a person is told:\n%s\nwant %q", text, sentence)
			}
		})
	}
}

// askText runs domovoy ask in this process, for a person.
func askText(t *testing.T, file string, words ...string) string {
	t.Helper()
	out, told := &bytes.Buffer{}, &output{}
	run(append([]string{"ask", "--config", file}, words...), stdio{strings.NewReader(""), out, told}, func(string) (string, bool) { return "", false })
	return out.String()
}

// While the bot runs, a panel that cannot be read is reported at once, and so
// is its return; meanwhile its earlier counts neither alert nor resolve.
func TestAPanelGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	c := h.start()
	h.baseline()
	h.must(os.Rename(h.sample.Panel.Path(), h.sample.Panel.Path()+".away"))
	gone := strings.TrimSuffix(h.says("ru", "trouble.gone"), ".")
	alert := h.inTelegram(group, h.says("ru", "alert.panel.unavailable"), gone)
	h.inSlack(h.says("en", "alert.panel.unavailable"))
	h.telegram.Say(admin, 0, admin, "Ann", "/status")
	h.inTelegram(admin, gone, h.says("ru", "trouble.last"))
	h.must(os.Rename(h.sample.Panel.Path()+".away", h.sample.Panel.Path()))
	h.another(alert.ID, h.says("ru", "over.panel.unavailable"))
	h.inSlack(h.says("en", "over.panel.unavailable"))
	c.stop()
	if n := len(h.telegram.Messages(group)); n != 3 {
		t.Errorf("%d messages, want three: the summary, the alert and its end", n)
	}
}

func english(t *testing.T) *i18n.Locale {
	t.Helper()
	bundle, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Locale("en", time.UTC)
}
