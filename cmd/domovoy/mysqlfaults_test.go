package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/bot/console"
	"domovoy/checks/lab"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
)

// What happens to a server is one plain sentence in either language, with
// nothing of the server's own words, and over by itself as soon as the server is
// well again: by the next reading, on the same running program.
func TestFaultsOfAServerAreOneSentence(t *testing.T) {
	server := mariaDB(t)
	panel, err := lab.NewPanelIn(server, "faulty")
	if err := errors.Join(err, fillOften(panel, time.Now(), 40)); err != nil {
		t.Fatal(err)
	}
	defer panel.Close()
	do := func(statements ...string) func() error {
		return func() error { return server.Exec("", statements...) }
	}
	all := func(steps ...func() error) func() error {
		return func() error {
			for _, step := range steps {
				if err := step(); err != nil {
					return err
				}
			}
			return nil
		}
	}
	var crowd []*sql.Conn
	kill := do("KILL USER guest")
	var unlock func() error
	for name, c := range map[string]struct {
		harm, mend func() error
		want       string // the key of the sentence; empty: nobody notices
	}{
		"killed connections":    {kill, do(), ""},
		"a restart":             {all(server.Stop, server.Start), do(), ""},
		"a server that is down": {server.Stop, server.Start, "unreachable"},
		"no connection left": {
			all(kill, do("SET GLOBAL max_connections = 10"), func() error { crowd = crowded(t, server); return nil }),
			func() error {
				for _, conn := range crowd {
					_ = conn.Close()
				}
				return eventually(do("SET GLOBAL max_connections = DEFAULT"))
			}, "full"},
		"a revoked grant":  {do("REVOKE SELECT ON faulty.* FROM guest@'%'"), do("GRANT SELECT ON faulty.* TO guest@'%'"), "permission"},
		"a wrong password": {all(do("ALTER USER guest@'%' IDENTIFIED BY 'other'"), kill), do("ALTER USER guest@'%' IDENTIFIED BY 'hunter6'"), "login"},
		"a locked account": {all(do("ALTER USER guest@'%' ACCOUNT LOCK"), kill), do("ALTER USER guest@'%' ACCOUNT UNLOCK"), "login"},
		"a lock that is held on and on": {
			func() (err error) { unlock, err = tablesLocked(t, server); return err },
			func() error { return unlock() }, "locked"},
		"another table in place of the panel's": {do("RENAME TABLE faulty.webdomain TO faulty.w, faulty.letsencrypt_ssl TO faulty.l"),
			do("RENAME TABLE faulty.w TO faulty.webdomain, faulty.l TO faulty.letsencrypt_ssl"), "shape"},
	} {
		t.Run(name, func(t *testing.T) {
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(server.Exec("", "CREATE OR REPLACE USER guest@'%' IDENTIFIED BY 'hunter6'", "GRANT SELECT ON faulty.* TO guest@'%'"))
			file := written(t, "mysql://guest@"+server.Address()+"/faulty", "UTC")
			must(os.WriteFile(filepath.Join(filepath.Dir(file), "panel.password"), []byte("hunter6"), 0o600))
			changed(t, file, "timezone: UTC, acme", "password_file: panel.password, timezone: UTC, acme")
			cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
			if len(faults) > 0 {
				t.Fatalf("%v", faults)
			}
			var log strings.Builder
			a, err := app.Open(t.Context(), cfg, bundled(t), slog.New(slog.NewTextHandler(&log, nil)), func(string) {})
			must(err)
			defer a.Close()
			says := func(when, key string) {
				t.Helper()
				for _, language := range []string{"en", "ru"} {
					reply, err := a.Ask(t.Context(), app.Local{User: "ann", Language: language}, "status", func(string) {})
					must(err)
					text := strings.Join(strings.Fields(console.Render(reply.Message, bundled(t), 10_000, false)), " ")
					if key == "" {
						if !strings.Contains(text, "40") || strings.Contains(text, "⚪") {
							t.Errorf("%s: %s", when, text)
						}
						continue
					}
					sentence := bundled(t).Locale(language, time.UTC).Say("trouble." + key)
					if !strings.Contains(text, sentence) || strings.Count(sentence, ".") != 1 || strings.Contains(text, "Error") || strings.Contains(text, "hunter6") {
						t.Errorf("%s, %s: %q is not %q", when, language, text, sentence)
					}
				}
			}
			says("before", "")
			must(c.harm())
			for n := range 3 {
				says(fmt.Sprint("reading ", n+1), c.want)
			}
			must(c.mend())
			must(eventually(func() error { // what the crowd held is given back a moment later
				_, err := a.Ask(t.Context(), app.Local{User: "ann"}, "status", func(string) {})
				return err
			}))
			says("afterwards", "")
			if strings.Contains(log.String(), "hunter6") {
				t.Errorf("the log has the password: %s", log.String())
			}
			if n := strings.Count(log.String(), "cannot read the panel"); c.want != "" && n != 1 {
				t.Errorf("the log tells it %d times: %s", n, log.String())
			}
		})
	}
}

// tablesLocked locks the tables for all readers, as a repair or a change of their shape
// does.
func tablesLocked(t *testing.T, server *lab.MariaDB) (unlock func() error, err error) {
	t.Helper()
	db := server.Open("faulty")
	conn, err := db.Conn(t.Context())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), "LOCK TABLES webdomain WRITE, users WRITE, letsencrypt_ssl WRITE, letsencrypt_log WRITE")
	}
	return func() error {
		_, err := conn.ExecContext(context.Background(), "UNLOCK TABLES") // the test may be over
		return errors.Join(err, conn.Close(), db.Close())
	}, err
}

// crowded takes all connections of a server.
func crowded(t *testing.T, server *lab.MariaDB) (held []*sql.Conn) {
	t.Helper()
	db := server.Open("")
	t.Cleanup(func() { _ = db.Close() })
	for {
		conn, err := db.Conn(t.Context())
		if err != nil {
			return held
		}
		held = append(held, conn)
	}
}

// eventually tries for ten seconds.
func eventually(try func() error) (err error) {
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return nil
		}
	}
	return err
}
