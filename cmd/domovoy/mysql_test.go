package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks/lab"
)

// The same panel in a file and in a server, found by itself or by its address,
// has the same answers.
func TestEveryAnswerIsTheSameFromAServer(t *testing.T) {
	server, err := lab.NewMariaDB(t.TempDir())
	if errors.Is(err, lab.ErrNoMariaDB) && os.Getenv("CI") == "" {
		t.Skip("SKIPPED: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, hours := range map[string]int{"east": 3, "west": -5} {
		t.Run(name, func(t *testing.T) {
			zone := lab.WithZone(time.FixedZone("", hours*3600))
			named := fmt.Sprintf("Etc/GMT%+d", -hours) // POSIX has the sign the other way round
			path := filepath.Join(t.TempDir(), "ispmgr.db")
			file, err1 := lab.NewPanel(path, zone)
			table, err2 := lab.NewPanelIn(server, name, zone)
			now := time.Now().Truncate(time.Minute)
			if err := errors.Join(err1, err2, fillOften(file, now), fillOften(table, now)); err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			defer table.Close()
			conf := filepath.Join(t.TempDir(), "db.conf")
			put(t, conf, fmt.Appendf(nil, "DBHost %s\nDBName %s\nDBUser %s\nDBPassword %s\n", server.Address(), name, lab.Reader().Name, lab.Reader().Password))
			address := written(t, "mysql://"+lab.Reader().Name+"@"+server.Address()+"/"+name, named)
			if err := os.WriteFile(filepath.Join(filepath.Dir(address), "panel.password"), []byte(lab.Reader().Password), 0o600); err != nil {
				t.Fatal(err)
			}
			changed(t, address, "timezone: Etc", "password_file: panel.password, timezone: Etc")
			itself := written(t, "auto", named)
			changed(t, itself, "timezone: Etc", "db_conf: "+conf+", timezone: Etc")
			for _, config := range []string{address, itself} {
				if answer, _ := askJSON(t, config, "status"); len(answer.Servers) != 1 || answer.Servers[0].Sites != 40 {
					t.Fatalf("%+v", answer)
				}
			}
			for _, question := range []string{"status", "list sites", "list failed", "list failing", "list overdue", "list processing", "list nocertificate",
				"list noredirect", "check s7.ru", "why s7.ru", "limits", "report weekly"} {
				want := answered(t, written(t, path, named), question)
				for way, config := range map[string]string{"address": address, "itself": itself} {
					if diff := cmp.Diff(want, answered(t, config, question)); diff != "" {
						t.Errorf("%s by %s (-file +server):\n%s", question, way, diff)
					}
				}
			}
		})
	}
}

// fillOften adds forty sites, in every state.
func fillOften(p *lab.Panel, now time.Time) error {
	return p.Transaction(func() error {
		var all []error
		for i := range 40 {
			name := fmt.Sprintf("s%d.ru", i)
			_, err1 := p.AddSite(lab.Site{Name: name, Owner: fmt.Sprint("client", i%5), Aliases: []string{"www." + name}, Addresses: []string{"203.0.113.10"},
				Active: i%9 != 0, Secure: i%4 != 0, RedirectHTTP: i%3 != 0, Certificate: name + "_le1"})
			_, err2 := p.AddCertificate(lab.Certificate{Name: name + "_le1", Domain: name, Owner: fmt.Sprint("client", i%5),
				Processing: i%6 == 0, Failed: i%7 == 0, Started: now.Add(-time.Duration(i*60+30) * time.Hour)})
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
var moments = regexp.MustCompile(`"\d{4}-\d\d-\d\d[T ][^"]*"`)

// answered returns an answer as JSON, without its times.
func answered(t *testing.T, file, question string) string {
	t.Helper()
	var out, told bytes.Buffer
	run(append([]string{"ask", "--config", file, "--format", "json"}, strings.Fields(question)...),
		stdio{strings.NewReader(""), &out, &told}, func(string) (string, bool) { return "", false })
	if out.Len() == 0 {
		t.Fatalf("%s: no answer: %s", question, &told)
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
