package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks/lab"
)

// knownPanel is a panel with known counts. AGO(…) becomes a local date that
// long ago, EPOCH(…) seconds since 1970.
const knownPanel = `
INSERT INTO users(id, name) VALUES (1, 'client1'), (2, 'client2');
INSERT INTO webdomain(id, name, users, active, secure, ssl_cert, redirect_http) VALUES
  (1, 'fine.example',    1, 'on',  'on',  'fine.example_le1',   'on'),
  (2, 'plain.example',   1, 'on',  'on',  'plain.example_le1',  'off'),  -- no redirect
  (3, 'bare.example',    1, 'on',  'off', '',                   'off'),  -- no certificate, no redirect
  (4, 'parked.example',  2, 'off', 'off', '',                   'off'),  -- inactive: counts nowhere
  (5, 'late.example',    2, 'on',  'on',  'late.example_le2',   'on'),   -- overdue
  (6, 'edge.example',    2, 'on',  'on',  'edge.example_le1',   'on'),   -- overdue since a minute
  (7, 'almost.example',  2, 'on',  'on',  'almost.example_le1', 'on'),   -- overdue in a minute
  (8, 'xn--e1afmkfd.xn--p1ai', 1, 'on', 'off', NULL, 'on'),              -- no certificate
  (9, 'bought.example',  1, 'on',  'on',  'bought.example',     'on'),   -- not the module's: no row
  (10, 'null.example',   1, 'on',  'on',  'null.example_le1',   'on'),
  (11, 'zero.example',   1, 'on',  'on',  'zero.example_le1',   'on'),
  (12, 'epoch.example',  1, 'on',  'on',  'epoch.example_le1',  'on');   -- young
INSERT INTO webdomain_alias(webdomain, name) VALUES (1, 'www.fine.example'), (5, '*.late.example');
INSERT INTO webdomain_ipaddr(webdomain, value) VALUES (1, '203.0.113.10'), (1, '2001:db8::10');
INSERT INTO letsencrypt_ssl(certname, users, domain_name, processing, failed, time_started) VALUES
  ('fine.example_le1',   1, 'fine.example',   'off', 'off', 'AGO(240h)'),
  ('plain.example_le1',  1, 'plain.example',  'on',  'off', 'AGO(5m)'),
  ('bare.example_le1',   1, 'bare.example',   'off', 'on',  'AGO(24h)'),
  ('late.example_le2',   2, 'late.example',   'off', 'off', 'AGO(2016h)'),
  ('edge.example_le1',   2, 'edge.example',   'off', 'off', 'AGO(1992h1m)'),
  ('almost.example_le1', 2, 'almost.example', 'off', 'off', 'AGO(1991h59m)'),
  ('gone.example_le1',   2, 'gone.example',   'on',  'on',  'AGO(30h)'),     -- being issued and given up; no site
  ('left.example_le1',   2, 'left.example',   'off', 'off', 'AGO(2400h)'),   -- no site: nobody's overdue
  ('null.example_le1',   1, 'null.example',   'off', 'off', NULL),
  ('zero.example_le1',   1, 'zero.example',   'off', 'off', '0000-00-00 00:00:00'),
  ('epoch.example_le1',  1, 'epoch.example',  'off', 'off', 'EPOCH(48h)');
INSERT INTO letsencrypt_log(certname, status, date) VALUES
  ('gone.example_le1',  'failed', 'AGO(6h)'),    ('gone.example_le1',  'failed', 'AGO(5h)'),    -- both outside
  ('plain.example_le1', 'failed', 'AGO(4h1m)'),  ('plain.example_le1', 'failed', 'AGO(1h)'),    -- one inside
  ('fine.example_le1',  'failed', 'AGO(3h59m)'), ('fine.example_le1',  'failed', 'AGO(10m)'),   -- failing
  ('bare.example_le1',  'failed', 'AGO(3h)'),    ('bare.example_le1',  'failed', 'AGO(3h)'),    -- failing, in one second
  ('ghost.example_le9', 'failed', 'AGO(2h)'),    ('ghost.example_le9', 'failed', 'AGO(1h)'),    -- failing, of nobody
  ('late.example_le2',  'failed', 'AGO(2h)'),    ('late.example_le2',  'ok',     'AGO(1h)');    -- one failure
`

// known returns the counts of knownPanel, in the order of status.
func known() map[string]any {
	return map[string]any{"panel.processing": 2.0, "panel.failed": 2.0, "panel.failing": 3.0,
		"panel.overdue": 2.0, "panel.nocertificate": 2.0, "panel.noredirect": 2.0}
}

var ago = regexp.MustCompile(`(AGO|EPOCH)\(([^)]+)\)`)

// dated fills dates into a panel's rows, as text of the panel's zone.
func dated(t *testing.T, sql string, zone *time.Location) string {
	t.Helper()
	now := time.Now()
	return ago.ReplaceAllStringFunc(sql, func(s string) string {
		m := ago.FindStringSubmatch(s)
		d, err := time.ParseDuration(m[2])
		if err != nil {
			t.Fatal(err)
		}
		if m[1] == "EPOCH" {
			return fmt.Sprint(now.Add(-d).Unix())
		}
		return now.Add(-d).In(zone).Format(time.DateTime)
	})
}

// sqlite runs statements with the C program: the panel is written by SQLite's
// own code, not by the library that reads it.
func sqlite(t *testing.T, database string, statements ...string) string {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("SKIPPED: the program sqlite3 is not installed, so no database was built by SQLite's own code")
	}
	c := exec.CommandContext(t.Context(), program, "-bail", "-batch", database)
	c.Stdin = strings.NewReader(strings.Join(statements, ";\n"))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// asked is a JSON answer of domovoy ask.
type asked struct {
	Metrics []struct {
		Code  string `json:"code"`
		Value any    `json:"value"` // null or a number
		Error string `json:"error"`
	} `json:"metrics"`
	Unreadable int `json:"unreadable"`
	Servers    []struct {
		Sites   int      `json:"sites"`
		Trouble string   `json:"trouble"`
		Missing []string `json:"missing"`
	} `json:"servers"`
	Error struct {
		Code string `json:"code"`
		Text string `json:"text"`
	} `json:"error"`
	Actions []struct {
		Command string `json:"command"`
	} `json:"actions"`
}

func (a asked) counts() map[string]any {
	counts := map[string]any{}
	for _, m := range a.Metrics {
		counts[m.Code] = m.Value
	}
	return counts
}

// ninetyDays is a CA whose certificates are valid for 90 days in any year, as
// in the article: those of Let's Encrypt have a shorter lifetime from 2027 on.
const ninetyDays = `cas:
- name: The article's
  hosts: ["127.0.0.1:9"]
  lifetimes:
  - {profile: classic, from: 2015-12-03, lifetime: 90d, reuse: 30d, pending: 7d}
`

// written writes a configuration for one panel.
func written(t *testing.T, database, zone string) string {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "domovoy.yaml")
	text := fmt.Sprintf("language: en\ntimezone: UTC\nstate: %s/state.db\npanels: [{name: isp1, database: %q, timezone: %s, acme: {directory: 'https://127.0.0.1:9/directory'}}]\nresolvers: []\nlookups: {limits_file: %[1]s/limits.yaml}\n", folder, database, zone)
	for name, text := range map[string]string{file: text, filepath.Join(folder, "limits.yaml"): ninetyDays} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// askJSON runs domovoy ask in this process.
func askJSON(t *testing.T, file string, words ...string) (answer asked, status int) {
	t.Helper()
	out, told := &bytes.Buffer{}, &output{}
	status = run(append([]string{"ask", "--config", file, "--format", "json"}, words...),
		stdio{strings.NewReader(""), out, told}, func(string) (string, bool) { return "", false })
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %q, %q", err, out, told)
	}
	return answer, status
}

func wantCounts(t *testing.T, answer asked, want map[string]any) {
	t.Helper()
	if diff := cmp.Diff(want, answer.counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// The same times as local text of three zones have the same counts.
func TestKnownCountsInEveryZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Moscow", "America/Bogota"} {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			database := filepath.Join(t.TempDir(), "ispmgr.db")
			sqlite(t, database, lab.Schema(), dated(t, knownPanel, zone))
			answer, _ := askJSON(t, written(t, database, name), "status")
			wantCounts(t, answer, known())
			if answer.Unreadable != 2 || answer.Servers[0].Sites != 12 {
				t.Errorf("%d unreadable of %d sites; want the NULL and the zero date of 12", answer.Unreadable, answer.Servers[0].Sites)
			}
		})
	}
}

// A wrong zone must change the counts: otherwise the test of zones proves
// nothing.
func TestTheWrongZoneCountsWrong(t *testing.T) {
	database := filepath.Join(t.TempDir(), "ispmgr.db")
	sqlite(t, database, lab.Schema(), dated(t, knownPanel, time.FixedZone("", -5*60*60)))
	answer, _ := askJSON(t, written(t, database, "UTC"), "status")
	if got := answer.counts()["panel.failing"]; got == known()["panel.failing"] {
		t.Errorf("failing is %v in a zone that is five hours off", got)
	}
}

// Counts that need a missing table or column are null; all others are exact.
func TestCountsWithoutATableOrColumn(t *testing.T) {
	for _, c := range []struct {
		table, column string
		null          []string
	}{
		{"letsencrypt_log", "", []string{"failing"}},
		{"letsencrypt_log", "certname", []string{"failing"}},
		{"letsencrypt_log", "status", []string{"failing"}},
		{"letsencrypt_log", "date", []string{"failing"}},
		{"letsencrypt_log", "message", nil},
		{"letsencrypt_ssl", "", []string{"processing", "failed", "overdue"}},
		{"letsencrypt_ssl", "certname", nil},
		{"letsencrypt_ssl", "users", nil},
		{"letsencrypt_ssl", "domain_name", nil},
		{"letsencrypt_ssl", "processing", []string{"processing", "overdue"}},
		{"letsencrypt_ssl", "failed", []string{"failed", "overdue"}},
		{"letsencrypt_ssl", "time_started", []string{"overdue"}},
		{"webdomain", "name", nil},
		{"webdomain", "name_idn", nil},
		{"webdomain", "users", nil},
		{"webdomain", "active", []string{"nocertificate", "noredirect"}},
		{"webdomain", "secure", []string{"nocertificate"}},
		{"webdomain", "ssl_cert", nil},
		{"webdomain", "redirect_http", []string{"noredirect"}},
		{"webdomain_alias", "", nil},
		{"webdomain_ipaddr", "", nil},
		{"users", "", nil},
	} {
		t.Run(strings.TrimSpace(c.table+" "+c.column), func(t *testing.T) {
			database := filepath.Join(t.TempDir(), "ispmgr.db")
			sqlite(t, database, lab.Schema(), dated(t, knownPanel, time.UTC), without(c.table, c.column))
			answer, status := askJSON(t, written(t, database, "UTC"), "status")
			want := known()
			for _, code := range c.null {
				want["panel."+code] = nil
			}
			wantCounts(t, answer, want)
			for _, m := range answer.Metrics {
				if (m.Value == nil) != strings.HasPrefix(m.Error, "missing: "+c.table) {
					t.Errorf("%s is %v with the error %q", m.Code, m.Value, m.Error)
				}
			}
			if missing := strings.TrimSuffix(c.table+"."+c.column, "."); status != exitOK || fmt.Sprint(answer.Servers[0].Missing) != "["+missing+"]" {
				t.Errorf("status %d, missing %v", status, answer.Servers[0].Missing)
			}
		})
	}
}

// without really drops a table or a column.
func without(table, column string) string {
	if column == "" {
		return "PRAGMA foreign_keys = OFF; DROP TABLE " + table
	}
	return "ALTER TABLE " + table + " DROP COLUMN " + column
}

// A plugin's column in the middle shifts the columns after it.
func TestCountsWithPluginColumns(t *testing.T) {
	schema := lab.Schema()
	for _, column := range []string{"active CHAR(3)", "processing CHAR(3)", "status VARCHAR(16)"} {
		was := schema
		if schema = strings.ReplaceAll(schema, "  "+column, "  plugin_"+column[:3]+" TEXT DEFAULT 'on',\n  "+column); schema == was {
			t.Fatalf("the schema has no column %q", column)
		}
	}
	database := filepath.Join(t.TempDir(), "ispmgr.db")
	sqlite(t, database, schema, dated(t, knownPanel, time.UTC))
	answer, _ := askJSON(t, written(t, database, "UTC"), "status")
	wantCounts(t, answer, known())
	if answer.Servers[0].Missing != nil {
		t.Errorf("missing: %v", answer.Servers[0].Missing)
	}
}

// articleSQL are the queries of the article that introduced the metrics.
func articleSQL() map[string]string {
	return map[string]string{
		"panel.processing": `SELECT COUNT(*) FROM letsencrypt_ssl WHERE processing = 'on'`,
		"panel.failed":     `SELECT COUNT(*) FROM letsencrypt_ssl WHERE letsencrypt_ssl.failed = 'on'`,
		"panel.failing": `SELECT COUNT(*) FROM (
			SELECT certname, COUNT(certname) as c FROM letsencrypt_log
			WHERE status = 'failed' AND date >= DATETIME('now', '-4 hour') GROUP BY certname) WHERE c > 1`,
		"panel.overdue": `SELECT COUNT(*) FROM letsencrypt_ssl WHERE processing = 'off' AND failed == 'off'
			AND ((unixepoch('now') - unixepoch(time_started)) / 60 / 60 / 24) >= (90 - 7)`,
		"panel.noredirect":    `SELECT COUNT(*) FROM webdomain WHERE redirect_http = 'off' AND active = 'on'`,
		"panel.nocertificate": `SELECT COUNT(*) FROM (SELECT * FROM webdomain WHERE active = 'on' AND secure == 'off')`,
	}
}

// In UTC the article's own SQL returns the same counts; for overdue, only if
// every row belongs to a site, because the article also counts rows without
// one.
func TestTheArticlesQueriesAgree(t *testing.T) {
	const belongs = "DELETE FROM letsencrypt_ssl WHERE domain_name NOT IN (SELECT name FROM webdomain)"
	for name, c := range map[string]struct {
		more        string
		nobodysLate int
	}{
		"every row belongs to a site": {belongs, 0},
		"a row of nobody":             {"SELECT 1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			database := filepath.Join(t.TempDir(), "ispmgr.db")
			sqlite(t, database, lab.Schema(), dated(t, knownPanel, time.UTC), c.more)
			answer, _ := askJSON(t, written(t, database, "UTC"), "status")
			agree(t, database, answer, c.nobodysLate)
		})
	}
}

// The same on a whole panel of 2000 sites in the middle of the article's
// event.
func TestTheArticlesQueriesAgreeOnAWholePanel(t *testing.T) {
	now := time.Now().UTC()
	sample, err := lab.NewSample(t.TempDir(), now, 7, lab.WithoutFiles())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{sample.MassReissue(now, 137), sample.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	answer, _ := askJSON(t, written(t, sample.Panel.Path(), "UTC"), "status")
	nobodys := sqlite(t, sample.Panel.Path(), atNow(articleSQL()["panel.overdue"])+` AND certname NOT IN
		(SELECT ssl_cert FROM webdomain WHERE ssl_cert <> '') AND domain_name NOT IN (SELECT name FROM webdomain)`)
	var n int
	if _, err := fmt.Sscan(nobodys, &n); err != nil {
		t.Fatal(err)
	}
	agree(t, sample.Panel.Path(), answer, n)
}

func agree(t *testing.T, database string, answer asked, nobodysLate int) {
	t.Helper()
	counts := answer.counts()
	for code, query := range articleSQL() {
		var want int
		if _, err := fmt.Sscan(sqlite(t, database, atNow(query)), &want); err != nil {
			t.Fatal(err)
		}
		if code == "panel.overdue" {
			want -= nobodysLate
		}
		if counts[code] != float64(want) {
			t.Errorf("%s: the article counts %d, we %v", code, want, counts[code])
		}
	}
}
