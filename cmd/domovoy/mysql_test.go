package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks/lab"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/reports"
)

// The same panel in a file and in a server, found by itself or by its address,
// has the same answers.
func TestEveryAnswerIsTheSameFromAServer(t *testing.T) {
	server := mariaDB(t)
	path, zone := filepath.Join(t.TempDir(), "ispmgr.db"), lab.WithZone(time.FixedZone("", 3*3600))
	file, err1 := lab.NewPanel(path, zone)
	table, err2 := lab.NewPanelIn(server, "panel", zone)
	now := time.Now().Truncate(time.Minute)
	if err := errors.Join(err1, err2, fillOften(file, now, 40), fillOften(table, now, 40)); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	defer table.Close()
	conf := filepath.Join(t.TempDir(), "db.conf")
	put(t, conf, fmt.Appendf(nil, "DBHost %s\nDBName panel\nDBUser %s\nDBPassword %s\n", server.Address(), lab.Reader().Name, lab.Reader().Password))
	itself := written(t, "auto", "Etc/GMT-3")
	changed(t, itself, "timezone: Etc", "db_conf: "+conf+", timezone: Etc")
	for way, config := range map[string]string{"address": atServer(t, server, "panel", "Etc/GMT-3"), "itself": itself} {
		if answer, _ := askJSON(t, config, "status"); len(answer.Servers) != 1 || answer.Servers[0].Sites != 40 {
			t.Fatalf("%+v", answer)
		}
		for _, question := range []string{"status", "list sites", "check s7.ru"} {
			if diff := cmp.Diff(answered(t, written(t, path, "Etc/GMT-3"), question), answered(t, config, question)); diff != "" {
				t.Errorf("%s by %s (-file +server):\n%s", question, way, diff)
			}
		}
	}
}

// Whatever the panel has, whatever its zone and its character set, and whether
// its server takes dates of zeros, its answers are those of the same rows in a
// file.
func TestEveryAnswerIsTheSameWhateverThePanelHas(t *testing.T) {
	server := mariaDB(t)
	type kind struct {
		hours   int
		charset string
		strict  bool // no dates of zeros
	}
	var kinds []kind
	for n := range 8 {
		kinds = append(kinds, kind{[]int{3, -5}[n&1], []string{"utf8mb4", "utf8mb3"}[n>>1&1], n>>2&1 == 1})
	}
	type variant struct {
		name string
		kind
		lacks []lab.Variant
	}
	var all []variant
	for _, k := range kinds {
		all = append(all, variant{fmt.Sprintf("UTC%+d %s strict=%t", k.hours, k.charset, k.strict), k, nil})
	}
	for n, missing := range optional() {
		lacks := lab.WithoutTable(missing)
		if table, column, ok := strings.Cut(missing, "."); ok {
			lacks = lab.WithoutColumn(table, column)
		}
		all = append(all, variant{"without " + missing, kinds[n%len(kinds)], []lab.Variant{lacks}})
	}
	now := time.Now().Truncate(time.Minute)
	for n, v := range all {
		if raceDetector && n%5 != 0 {
			continue // each is the same code, and takes seconds
		}
		t.Run(v.name, func(t *testing.T) {
			mode := "'ALLOW_INVALID_DATES'"
			if v.strict {
				mode = "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ONLY_FULL_GROUP_BY'"
			}
			variants := append([]lab.Variant{lab.WithZone(time.FixedZone("", v.hours*3600)), lab.WithCharset(v.charset)}, v.lacks...)
			path, name := filepath.Join(t.TempDir(), "ispmgr.db"), fmt.Sprint("matrix", n)
			file, err1 := lab.NewPanel(path, variants...)
			table, err2 := lab.NewPanelIn(server, name, variants...)
			if err := errors.Join(err1, err2, fillOften(file, now, 40), fillOften(table, now, 40), server.Exec("", "SET GLOBAL sql_mode = "+mode)); err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			defer table.Close()
			if !v.strict {
				for _, p := range []*lab.Panel{file, table} {
					if _, err := p.AddCertificate(lab.Certificate{Name: "zero_le1", Domain: "s39.ru", Owner: "client1", StartedText: "0000-00-00 00:00:00"}); err != nil {
						t.Fatal(err)
					}
				}
			}
			zone := fmt.Sprintf("Etc/GMT%+d", -v.hours) // POSIX has the sign the other way round
			sameAnswers(t, written(t, path, zone), atServer(t, server, name, zone), questions("s7.ru"))
		})
	}
}

// A panel of ten thousand sites, once.
func TestTenThousandSitesAreTheSameFromAServer(t *testing.T) {
	server := mariaDB(t)
	sites := 10_000
	if raceDetector {
		sites = 8_000 // the last site that is asked about is s7777.ru
	}
	path, zone := filepath.Join(t.TempDir(), "ispmgr.db"), lab.WithZone(time.FixedZone("", -5*3600))
	file, err1 := lab.NewPanel(path, zone)
	table, err2 := lab.NewPanelIn(server, "large", zone)
	now := time.Now().Truncate(time.Minute)
	if err := errors.Join(err1, err2, fillOften(file, now, sites), fillOften(table, now, sites)); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	defer table.Close()
	answers := sameAnswers(t, written(t, path, "Etc/GMT+5"), atServer(t, server, "large", "Etc/GMT+5"), questions("s7777.ru"))
	if !strings.Contains(answers["status"], fmt.Sprintf(`"sites":%d`, sites)) {
		t.Error(answers["status"])
	}
}

// A panel in a server that lost rows, or was put back to an older day, is in
// doubt as one in a file is, and is believed again once it is as before.
func TestAServerInDoubt(t *testing.T) {
	server := mariaDB(t)
	now := time.Now().Truncate(time.Minute)
	for name, c := range map[string]struct {
		damage, mend []string
		want         string
	}{
		"lost rows": {[]string{"CREATE TABLE kept AS SELECT * FROM webdomain", "DELETE FROM webdomain WHERE id > 5"},
			[]string{"DELETE FROM webdomain", "INSERT INTO webdomain SELECT * FROM kept"}, "shrunk"},
		"no rows": {[]string{"CREATE TABLE kept AS SELECT * FROM webdomain", "DELETE FROM webdomain"},
			[]string{"INSERT INTO webdomain SELECT * FROM kept"}, "shrunk"},
		"an older day": {[]string{"CREATE TABLE kept AS SELECT * FROM letsencrypt_log", "DELETE FROM letsencrypt_log WHERE id > 35"},
			[]string{"DELETE FROM letsencrypt_log", "INSERT INTO letsencrypt_log SELECT * FROM kept"}, "older"},
		"another panel": {[]string{"UPDATE webdomain SET name = concat('x', name), name_idn = concat('x', name_idn)"},
			[]string{"UPDATE webdomain SET name = substr(name, 2), name_idn = substr(name_idn, 2)"}, "replaced"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{"file", "server"} {
				var panel *lab.Panel
				var config string
				var err error
				if path := filepath.Join(t.TempDir(), "ispmgr.db"); kind == "file" {
					panel, err = lab.NewPanel(path)
					config = written(t, path, "UTC")
				} else {
					database := "doubt_" + strings.ReplaceAll(name, " ", "_")
					panel, err = lab.NewPanelIn(server, database)
					config = atServer(t, server, database, "UTC")
				}
				if err := errors.Join(err, fillOften(panel, now, 40)); err != nil {
					t.Fatal(err)
				}
				defer panel.Close()
				reads := func(when, want string) {
					t.Helper()
					if answer, _ := askJSON(t, config, "status"); answer.Servers[0].Trouble != want {
						t.Errorf("%s, %s: %q, want %q", kind, when, answer.Servers[0].Trouble, want)
					}
				}
				reads("at first", "")
				for _, statement := range c.damage {
					if err := panel.Exec(statement); err != nil {
						t.Fatal(err)
					}
				}
				reads("damaged", c.want)
				for _, statement := range c.mend {
					if err := panel.Exec(statement); err != nil {
						t.Fatal(err)
					}
				}
				reads("mended", "")
			}
		})
	}
}

// mariaDB starts a server for a test, or skips it where there is none.
func mariaDB(t *testing.T) *lab.MariaDB {
	t.Helper()
	server, err := lab.NewMariaDB(t.TempDir())
	if errors.Is(err, lab.ErrNoMariaDB) && os.Getenv("CI") == "" {
		t.Skip("SKIPPED: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if faults, statements, err := server.Careless(); err != nil || len(faults) > 0 || statements == 0 {
			t.Errorf("of %d statements these are careless (%v): %q", statements, err, faults)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// atServer writes the configuration of a panel in a server.
func atServer(t *testing.T, server *lab.MariaDB, name, zone string) string {
	t.Helper()
	file := written(t, "mysql://"+lab.Reader().Name+"@"+server.Address()+"/"+name, zone)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "panel.password"), []byte(lab.Reader().Password), 0o600); err != nil {
		t.Fatal(err)
	}
	changed(t, file, "timezone: "+zone+",", "password_file: panel.password, timezone: "+zone+",")
	return file
}

// optional are the tables and columns that a panel may lack.
func optional() []string {
	return []string{"users", "webdomain", "webdomain_alias", "webdomain_ipaddr", "ipaddr", "letsencrypt_ssl", "letsencrypt_log",
		"users.name", "webdomain.name", "webdomain.name_idn", "webdomain.users", "webdomain.active", "webdomain.secure", "webdomain.ssl_cert", "webdomain.redirect_http",
		"webdomain_alias.id", "webdomain_alias.webdomain", "webdomain_alias.name", "webdomain_alias.name_idn", "webdomain_ipaddr.webdomain", "webdomain_ipaddr.value", "ipaddr.name",
		"letsencrypt_ssl.certname", "letsencrypt_ssl.users", "letsencrypt_ssl.domain_name", "letsencrypt_ssl.processing", "letsencrypt_ssl.failed", "letsencrypt_ssl.time_started",
		"letsencrypt_log.id", "letsencrypt_log.certname", "letsencrypt_log.status", "letsencrypt_log.date", "letsencrypt_log.message"}
}

// questions are all that a panel's answers differ in.
func questions(site string) []string {
	all := []string{"status", "check " + site, "why " + site, "limits", "plan reissue", "report weekly"}
	for _, kind := range reports.Lists() {
		all = append(all, "list "+kind)
	}
	return all
}

// sameAnswers compares the answers of two panels, and returns them.
func sameAnswers(t *testing.T, file, server string, questions []string) map[string]string {
	t.Helper()
	want, got := answersOf(t, file, questions), answersOf(t, server, questions)
	if strings.Contains(got["status"], `"trouble"`) {
		t.Errorf("the panel in the server: %s", got["status"])
	}
	for _, question := range questions {
		if diff := cmp.Diff(want[question], got[question]); diff != "" {
			if len(diff) > 4000 {
				diff = diff[:4000] + "…"
			}
			t.Errorf("%s (-file +server):\n%s", question, diff)
		}
	}
	return got
}

// answersOf asks one program all questions, and returns the answers as JSON
// without their times.
func answersOf(t *testing.T, file string, questions []string) map[string]string {
	t.Helper()
	cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	a, err := app.Open(t.Context(), cfg, bundled(t), slog.New(slog.DiscardHandler), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	answers := map[string]string{}
	for _, question := range questions {
		reply, err := a.Ask(t.Context(), app.Local{User: "ann"}, question, func(string) {})
		if err != nil {
			t.Fatalf("%s: %v", question, err)
		}
		data, err1 := reply.JSON()
		text, err2 := json.Marshal(data)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatalf("%s: %v", question, err)
		}
		answers[question] = moments.ReplaceAllString(strings.ReplaceAll(string(text), filepath.Dir(file), "FOLDER"), `"TIME"`)
	}
	return answers
}

// fillOften adds sites, in every state.
func fillOften(p *lab.Panel, now time.Time, sites int) error {
	return p.Transaction(func() error {
		var all []error
		for i := range sites {
			name := fmt.Sprintf("s%d.ru", i)
			_, err1 := p.AddSite(lab.Site{Name: name, Owner: fmt.Sprint("client", i%5), Aliases: []string{"www." + name}, Addresses: []string{"203.0.113.10"},
				Active: i%9 != 0, Secure: i%4 != 0, RedirectHTTP: i%3 != 0, Certificate: name + "_le1"})
			_, err2 := p.AddCertificate(lab.Certificate{Name: name + "_le1", Domain: name, Owner: fmt.Sprint("client", i%5),
				Processing: i%6 == 0, Failed: i%7 == 0, Started: now.Add(-time.Duration(i%40*60+30) * time.Hour)})
			all = append(all, err1, err2)
			for n := range i % 4 {
				_, err := p.AddAttempt(lab.Attempt{Certificate: name + "_le1", Status: lab.StatusFailed, At: now.Add(-time.Duration(90-20*n) * time.Minute),
					Message: "403 urn:ietf:params:acme:error:unauthorized: 203.0.113.10: Invalid response from http://" + name + "/.well-known/acme-challenge/x: 404"})
				all = append(all, err)
			}
		}
		return errors.Join(append(all, p.AddAddress("203.0.113.10"))...)
	})
}

// moments are times of now in an answer.
var moments = regexp.MustCompile(`"\d{4}-\d\d-\d\d[T ][^"]*"|as of (today|yesterday) at \d\d:\d\d`)

// answered returns an answer as JSON, without its times.
func answered(t *testing.T, file, question string) string {
	t.Helper()
	out, told := &bytes.Buffer{}, &output{}
	run(append([]string{"ask", "--config", file, "--format", "json"}, strings.Fields(question)...),
		stdio{strings.NewReader(""), out, told}, func(string) (string, bool) { return "", false })
	if out.Len() == 0 {
		t.Fatalf("%s: no answer: %s", question, told)
	}
	return moments.ReplaceAllString(out.String(), `"TIME"`)
}

// changed replaces a text in a file.
func changed(t *testing.T, file, from, to string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), from) {
		t.Fatalf("%s: %v, or no %q in %s", file, err, from, text)
	}
	put(t, file, []byte(strings.Replace(string(text), from, to, 1)))
}

// A cluster of three nodes, made by SQL, is known alike from both: its nodes and
// their addresses in status, a site's node in check, and lists by node.
func TestAClusterIsTheSameFromAServer(t *testing.T) {
	server := mariaDB(t)
	path := filepath.Join(t.TempDir(), "ispmgr.db")
	file, err1 := lab.NewPanel(path)
	table, err2 := lab.NewPanelIn(server, "business")
	now := time.Now().Truncate(time.Minute)
	if err := errors.Join(err1, err2, fillOften(file, now, 40), fillOften(table, now, 40)); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*lab.Panel{file, table} {
		defer p.Close()
		for _, statement := range []string{
			"CREATE TABLE node(id INTEGER PRIMARY KEY, name VARCHAR(64), admpwd VARCHAR(64), mainip VARCHAR(64), maintain CHAR(3), is_local CHAR(3), hostname VARCHAR(64))",
			`INSERT INTO node VALUES (1, 'master', 'hunter5', '203.0.113.10', 'off', 'on', 'master.hoster.ru'), (2, 'node2', 'hunter5', '203.0.113.12', 'on', 'off', 'node2.hoster.ru'),
				(3, 'node3', 'hunter5', '203.0.113.13', 'off', 'off', 'node3.hoster.ru')`,
			"INSERT INTO ipaddr(name) VALUES ('203.0.113.12'), ('203.0.113.13')",
			"CREATE TABLE ipaddr_webdomain(ipaddr INTEGER, webdomain INTEGER)",
			"INSERT INTO ipaddr_webdomain SELECT 1 + id % 3, id FROM webdomain",
			"DROP TABLE webdomain_ipaddr",
		} {
			if err := p.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	answers := sameAnswers(t, written(t, path, "UTC"), atServer(t, server, "business", "UTC"), []string{"status", "status server=isp1/node2", "check s7.ru",
		"check s7.ru server=isp1/node3", "list sites server=isp1/node2", "list failed server=isp1/*", "list trouble", "plan reissue server=isp1/node2", "limits"})
	for question, want := range map[string]string{
		"status":                        `{"node":"node2","addresses":["203.0.113.12"],"hosts":["node2.hoster.ru"],"maintenance":true,"sites":14}`,
		"status server=isp1/node2":      `"server":"isp1/node2","sites":14`,
		"check s7.ru":                   `"node":"node3","owner":"client2","server":"isp1"`,
		"check s7.ru server=isp1/node3": `"domain":"s7.ru"`,
		"list sites server=isp1/node2":  `"total":14`,
	} {
		if !strings.Contains(answers[question], want) {
			t.Errorf("%s does not say %s: %s", question, want, answers[question])
		}
	}
}
