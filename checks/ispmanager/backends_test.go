package ispmanager_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// backend is a kind of database that a panel may have.
type backend struct {
	name   string
	server *lab.MariaDB // nil: SQLite
}

// newPanel returns a panel of the lab in the backend and a reader of it.
func (b backend) newPanel(t *testing.T, variants ...lab.Variant) (*lab.Panel, *ispmanager.Panel) {
	t.Helper()
	if b.server == nil {
		return newPanel(t, variants...)
	}
	panel, err := lab.NewPanelIn(b.server, fmt.Sprint("panel", panels.Add(1)), variants...)
	must(t, err)
	t.Cleanup(func() { panel.Close() })
	return panel, b.reader(t, panel)
}

// reader returns another reader of the panel.
func (b backend) reader(t *testing.T, panel *lab.Panel) *ispmanager.Panel {
	t.Helper()
	if b.server == nil {
		return reader(t, panel.Path(), panel.Zone())
	}
	return readerAs(t, b.server, lab.Reader(), panel, "")
}

// readerAs reads a panel in a server as one of its users; options follow the
// location.
func readerAs(t *testing.T, server *lab.MariaDB, user lab.User, panel *lab.Panel, options string) *ispmanager.Panel {
	t.Helper()
	r := ispmanager.New(ispmanager.Config{Name: "isp1", Zone: panel.Zone(), Password: func() string { return user.Password },
		Database: fmt.Sprintf("mysql://%s@%s/%s%s", user.Name, server.Address(), panel.Path(), options)})
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

// panels counts databases, for their names.
var panels atomic.Int64

// oneServer is shared by all tests: to make one takes seconds. started is that
// server once it is there.
var (
	started   atomic.Pointer[lab.MariaDB]
	oneServer = sync.OnceValues(func() (*lab.MariaDB, error) {
		dir, err := os.MkdirTemp("", "panels")
		if err != nil {
			return nil, err
		}
		server, err := lab.NewMariaDB(dir)
		started.Store(server)
		return server, err
	})
)

func TestMain(m *testing.M) {
	status := m.Run()
	if server := started.Load(); server != nil {
		// Whatever a test did: the server was never asked for all columns, for one
		// with a secret, or to do anything but read.
		faults, statements, err := server.Careless()
		if len(faults) > 0 || err != nil {
			fmt.Printf("of %d statements these are careless (%v):\n%s\n", statements, err, strings.Join(faults, "\n"))
			status = 1
		}
		_ = server.Close()
		_ = os.RemoveAll(filepath.Dir(server.Folder()))
	}
	os.Exit(status)
}

// mariaDB returns the server, or skips the test where there is none.
func mariaDB(t *testing.T) *lab.MariaDB {
	t.Helper()
	server, err := oneServer()
	if errors.Is(err, lab.ErrNoMariaDB) && os.Getenv("CI") == "" {
		t.Skip("SKIPPED: ", err)
	}
	must(t, err)
	return server
}

// eachBackend runs a test on SQLite and on MariaDB.
func eachBackend(t *testing.T, test func(t *testing.T, b backend)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, backend{name: "SQLite"}) })
	t.Run("MariaDB", func(t *testing.T) { test(t, backend{name: "MariaDB", server: mariaDB(t)}) })
}

// eventually waits for what happens after a moment.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for begun := time.Now(); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatal("it did not happen in 30 s: " + what)
		}
	}
}
