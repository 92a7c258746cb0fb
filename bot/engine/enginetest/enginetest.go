// Package enginetest makes what tests of the bot share: a journal, catalogs,
// and a panel whose facts are given. Only tests import it.
package enginetest

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/lab"
	"domovoy/checks/suite"
	"domovoy/i18n"
	"domovoy/reports/journal"
)

// Journal opens a new journal, which is closed at the end of the test.
func Journal(t testing.TB) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

// Bundle loads the catalogs.
func Bundle(t testing.TB) *i18n.Bundle {
	t.Helper()
	bundle, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

// LetsEncrypt returns the limits of Let's Encrypt.
func LetsEncrypt(t testing.TB) *budget.CA {
	t.Helper()
	book, err := budget.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	ca, ok := book.Find("acme-v02.api.letsencrypt.org")
	if !ok {
		t.Fatal("the data file does not know Let's Encrypt")
	}
	return ca
}

// New makes an engine. Where the configuration has none, it gets a journal, an
// audience that speaks English in UTC, and a log that is thrown away.
func New(t testing.TB, c engine.Config) *engine.Engine {
	t.Helper()
	if c.Journal == nil {
		c.Journal = Journal(t)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Audience.Bundle == nil {
		c.Audience.Bundle = Bundle(t)
	}
	if c.Audience.Language == "" {
		c.Audience.Language = "en"
	}
	if c.Audience.Zone == nil {
		c.Audience.Zone = time.UTC
	}
	return engine.New(c)
}

// Read has the engine read its panels now.
func Read(t testing.TB, e *engine.Engine) {
	t.Helper()
	if err := e.Watch.Read(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
}

// Request is what somebody with a role asks in a private chat, in English.
func Request(t testing.TB, role bot.Role) bot.Request {
	t.Helper()
	return bot.Request{Person: "telegram:3", Role: role, Chat: bot.Address{Messenger: "telegram", Chat: "3"},
		Locale: Bundle(t).Locale("en", time.UTC), Now: time.Now()}
}

// Panel is a panel whose facts are given: a watch.Reader.
type Panel struct {
	mu       sync.Mutex
	snapshot checks.Snapshot
	log      []checks.Attempt
}

// NewPanel makes a panel of the server isp1 with sites that are switched on.
func NewPanel(sites ...checks.Site) *Panel {
	for i := range sites {
		sites[i].Server, sites[i].ID, sites[i].Active = "isp1", int64(i+1), checks.On
	}
	return &Panel{snapshot: checks.Snapshot{Server: "isp1", Sites: sites}}
}

// Change changes the facts.
func (p *Panel) Change(change func(s *checks.Snapshot)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.snapshot)
}

// Log adds an attempt to the issuance log.
func (p *Panel) Log(a checks.Attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Row = int64(len(p.log) + 1)
	p.log = append(p.log, a)
}

// Relog changes the outcome of a row of the log in place.
func (p *Panel) Relog(row int64, outcome checks.AttemptOutcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log[row-1].Outcome = outcome
}

// Poll returns the facts, which always count as changed.
func (p *Panel) Poll(context.Context) (checks.Snapshot, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.snapshot, true, nil
}

// Attempts passes the log from a row on.
func (p *Panel) Attempts(_ context.Context, from int64, each func([]checks.Attempt) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if from = max(1, from); from > int64(len(p.log)) {
		return nil
	}
	return each(append([]checks.Attempt(nil), p.log[from-1:]...))
}

// Newest is the number of the log's last row.
func (p *Panel) Newest(context.Context) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(len(p.log)), nil
}

// NamesCheck is a check of names in DNS.
func NamesCheck(run func(context.Context, *checks.Target) ([]checks.Finding, error)) checks.Check {
	return checks.Check{Name: checks.NamesCheck, Scope: checks.ScopeName, Live: true, Run: run}
}

// Prober probes nothing but names in DNS.
func Prober(run func(context.Context, *checks.Target) ([]checks.Finding, error)) *suite.Live {
	return &suite.Live{Checks: []checks.Check{NamesCheck(run)}}
}

// Disk is a journal whose file can be made to refuse changes.
type Disk struct {
	*journal.Journal
	t  testing.TB
	db *sql.DB
}

// NewDisk opens a new journal on a disk of its own.
func NewDisk(t testing.TB) *Disk {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	j, err := journal.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(j.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return &Disk{j, t, db}
}

// Full has changes refused as of a full disk: "UPDATE ON delivery WHEN …".
func (d *Disk) Full(what string) {
	d.t.Helper()
	d.exec("CREATE TRIGGER full BEFORE " + what + " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
}

// Freed has all changes accepted again.
func (d *Disk) Freed() { d.t.Helper(); d.exec("DROP TRIGGER full") }

func (d *Disk) exec(query string) {
	d.t.Helper()
	if _, err := d.db.ExecContext(d.t.Context(), query); err != nil {
		d.t.Fatal(err)
	}
}

// Run runs something for some time, and waits for its end.
func Run(t testing.TB, while time.Duration, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = run(ctx) }) // its error is the context's end
	time.Sleep(while)
	cancel()
	running.Wait()
}

// FreePort is an address of loopback that nobody listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	address, err := lab.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
