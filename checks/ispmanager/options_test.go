package ispmanager_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

func TestOptionsOfThePanel(t *testing.T) {
	const debug, skip = "EnableAcmeshDebug", "AcmeSkipAccountCheck"
	for text, want := range map[string][2]checks.Flag{
		"": {checks.Off, checks.Off},
		"path ispmgr.db\nOption " + debug + "\nOption " + skip + "\n": {checks.On, checks.On},
		"Option " + debug + " off\nOption " + skip + " = yes":         {checks.Off, checks.On},
		"option\t" + "enableacmeshdebug\r\n":                          {checks.On, checks.Off},
		debug + " on\n# Option " + skip + "\n":                        {checks.On, checks.Off},
		skip + "=1\n" + skip + " off\n":                               {checks.Off, checks.Off},
		"Option " + debug + "2\nOption " + skip + " perhaps":          {checks.Off, checks.Unset},
	} {
		panel, r := newPanel(t)
		furnish(t, panel)
		if got := read(t, r); got.Options != nil {
			t.Errorf("without a file: %+v", got.Options)
		}
		path := filepath.Join(filepath.Dir(panel.Path()), "ispmgr.conf")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		got, changed, err := r.Poll(t.Context())
		must(t, err)
		if got.Options == nil || !changed || *got.Options != (checks.Options{Path: path, ACMELog: want[0], SkipAccount: want[1]}) {
			t.Errorf("%q: %+v, changed: %v", text, got.Options, changed)
		}
		if again, changed, _ := r.Poll(t.Context()); changed || again.Options != got.Options {
			t.Errorf("%q: read again: %+v", text, again.Options)
		}
		must(t, os.Remove(path))
		must(t, os.Mkdir(path, 0o700))
		if got := read(t, r); !got.Options.Denied || got.Options.ACMELog != checks.Unset {
			t.Errorf("what is no file: %+v", got.Options)
		}
		must(t, os.Remove(path))
		if got, changed, _ := r.Poll(t.Context()); !changed || got.Options != nil {
			t.Errorf("gone: %+v, changed: %v", got.Options, changed)
		}
	}
}

// A panel in a server has them above the folder of its db.conf.
func TestOptionsOfAPanelInAServer(t *testing.T) {
	folder := t.TempDir()
	must(t, os.Mkdir(filepath.Join(folder, "ispmgr.conf.d"), 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "ispmgr.conf"), []byte("Option EnableAcmeshDebug\n"), 0o600))
	panel, plain := mysqlPanel(t)
	furnish(t, panel)
	if got := read(t, plain); got.Options != nil {
		t.Errorf("without a db.conf: %+v", got.Options)
	}
	user, server := lab.Reader(), mariaDB(t)
	r := ispmanager.New(ispmanager.Config{Name: "isp1", Conf: filepath.Join(folder, "ispmgr.conf.d", "db.conf"), Password: func() string { return user.Password },
		Database: fmt.Sprintf("mysql://%s@%s/%s", user.Name, server.Address(), panel.Path())})
	t.Cleanup(func() { must(t, r.Close()) })
	if got := read(t, r); got.Options == nil || got.Options.ACMELog != checks.On {
		t.Errorf("%+v", got.Options)
	}
}
