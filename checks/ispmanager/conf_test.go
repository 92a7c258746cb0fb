package ispmanager_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// auto returns a reader that asks db.conf.
func auto(t *testing.T, conf string) *ispmanager.Panel {
	t.Helper()
	r := ispmanager.New(ispmanager.Config{Name: "isp1", Database: "auto", Conf: conf, Zone: time.UTC})
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

// A panel with SQLite has an empty db.conf, or none, and its database beside the
// folder of that file.
func TestAnEmptyConfMeansSQLite(t *testing.T) {
	for name, c := range map[string]struct {
		conf string
		text string // "none": there is no file
	}{
		"empty":       {"ispmgr.conf.d/db.conf", ""},
		"absent":      {"ispmgr.conf.d/db.conf", "none"},
		"other keys":  {"ispmgr.conf.d/db.conf", "# nothing here\n\nDBUser ispmgr\nDBHost\nSomething else\n"},
		"same folder": {"db.conf", ""},
	} {
		t.Run(name, func(t *testing.T) {
			etc := t.TempDir()
			panel, err := lab.NewPanel(filepath.Join(etc, "ispmgr.db"))
			must(t, err)
			defer panel.Close()
			furnish(t, panel)
			conf := filepath.Join(etc, c.conf)
			must(t, os.MkdirAll(filepath.Dir(conf), 0o755))
			if c.text != "none" {
				must(t, os.WriteFile(conf, []byte(c.text), 0o644))
			}
			compare(t, read(t, auto(t, conf)), furnished())
		})
	}
}

func TestNoConfAndNoDatabaseIsAMissingDatabase(t *testing.T) {
	etc := t.TempDir()
	r := auto(t, filepath.Join(etc, "ispmgr.conf.d", "db.conf"))
	wantReason(t, r, ispmanager.Gone)
	_, _, err := r.Poll(t.Context())
	var failure *ispmanager.Error
	if !errors.As(err, &failure) || failure.Path != filepath.Join(etc, "ispmgr.db") {
		t.Errorf("got %v", err)
	}
}

func TestConfNamesAServer(t *testing.T) {
	server := mariaDB(t)
	panel, _ := mysqlPanel(t)
	furnish(t, panel)
	user := lab.Reader()
	for name, text := range map[string]string{
		"blanks":       "DBHost %s\nDBName %s\nDBUser %s\nDBPassword %s\n",
		"equals signs": "DBHost=%s\r\nDBName=%s\r\nDBUser=%s\r\nDBPassword=%s",
		"both":         "\n# comment\n  DBHost = %s\nDBName\t%s\ndbuser  %s  \nOther x\nDBPassword = %s\n",
	} {
		t.Run(name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "db.conf")
			must(t, os.WriteFile(conf, fmt.Appendf(nil, text, server.Address(), panel.Path(), user.Name, user.Password), 0o600))
			compare(t, read(t, auto(t, conf)), furnished())
		})
	}
	t.Run("a socket", func(t *testing.T) {
		conf := filepath.Join(t.TempDir(), "db.conf")
		must(t, os.WriteFile(conf, fmt.Appendf(nil, "DBHost %s\nDBName %s\nDBUser %s\nDBPassword %s", server.Socket(), panel.Path(), user.Name, user.Password), 0o600))
		compare(t, read(t, auto(t, conf)), furnished())
	})
}

// The panel was moved from SQLite to a server, and got another password later.
func TestConfIsReadAgainWhenItChanges(t *testing.T) {
	server := mariaDB(t)
	panel, _ := mysqlPanel(t)
	furnish(t, panel)
	etc := t.TempDir()
	old, err := lab.NewPanel(filepath.Join(etc, "ispmgr.db"))
	must(t, err)
	defer old.Close()
	conf := filepath.Join(etc, "db.conf")
	must(t, os.WriteFile(conf, nil, 0o600))
	r := auto(t, conf)
	if got := read(t, r); len(got.Sites) != 0 {
		t.Fatalf("the file has %d sites", len(got.Sites))
	}
	write := func(password string) {
		must(t, os.WriteFile(conf, fmt.Appendf(nil, "DBHost %s\nDBName %s\nDBUser %s\nDBPassword %s\n", server.Address(), panel.Path(), lab.Reader().Name, password), 0o600))
	}
	write("hunter5")
	wantReason(t, r, ispmanager.Login)
	_, _, err = r.Poll(t.Context())
	if text := fmt.Sprintf("%v %+v", err, r); strings.Contains(text, "hunter5") {
		t.Errorf("the password is in %s", text)
	}
	write(lab.Reader().Password)
	compare(t, read(t, r), furnished())
	must(t, os.WriteFile(conf, nil, 0o600))
	if got := read(t, r); len(got.Sites) != 0 {
		t.Error("back to the file, the server is still read")
	}
}

func TestConfThatDoesNotSay(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for conf, want := range map[string]ispmanager.Reason{
		file("nobody.conf", "DBName ispmgr\n"):        ispmanager.Conf,
		file("huge.conf", strings.Repeat("x", 1<<17)): ispmanager.Conf,
		dir: ispmanager.Conf,
		file("gone.conf", "DBHost 127.0.0.1:1\nDBUser x\n"): ispmanager.Unreachable,
	} {
		t.Run(filepath.Base(conf), func(t *testing.T) { wantReason(t, auto(t, conf), want) })
	}
}
