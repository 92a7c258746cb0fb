package ispmanager

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"domovoy/checks"
)

// Config says which panel to read.
type Config struct {
	Name     string         // the panel's name in the configuration
	Database string         // path of its SQLite file
	Zone     *time.Location // of the dates in it, which are text without one; nil is UTC

	// SitesEvery is how often the tables of sites are read again at most, on a
	// panel that writes all the time. Sites change by people's hands, while
	// certificates change by the panel's: those are read whenever anything was
	// written. Zero reads both.
	SitesEvery time.Duration
}

// Panel reads one panel's database. It is safe for concurrent use; only one
// statement runs at a time.
type Panel struct {
	cfg  Config
	turn chan struct{} // holds one token: whoever has it may use what follows
	file *file         // nil: not open

	seen int64 // data_version when kept was read
	read bool  // whether seen holds: it means nothing on another connection
	kept kept

	sitesAt time.Time // the tables of sites were read
	owed    bool      // something was written since, and they were not read again
}

// New makes a reader. It touches no disk: the first Poll opens the database.
func New(cfg Config) *Panel {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	p := &Panel{cfg: cfg, turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// Close lets go of the database. A later Poll would open it again.
func (p *Panel) Close() error {
	<-p.turn
	defer func() { p.turn <- struct{}{} }()
	return p.drop()
}

// Poll reads the panel's sites and certificates. Where nobody wrote to the
// database since the last successful Poll it gives the same snapshot and
// false. True says that somebody did, so that the issuing log may have grown;
// slices of the snapshot that came out the same are still shared with the one
// before.
func (p *Panel) Poll(ctx context.Context) (checks.Snapshot, bool, error) {
	var snapshot checks.Snapshot
	var changed bool
	err := p.exclusively(ctx, func() (err error) {
		snapshot, changed, err = p.poll(ctx)
		return err
	})
	if err != nil {
		return checks.Snapshot{}, false, err
	}
	return snapshot, changed, nil
}

func (p *Panel) poll(ctx context.Context) (checks.Snapshot, bool, error) {
	version, err := p.ready(ctx)
	if err != nil {
		return checks.Snapshot{}, false, err
	}
	now := time.Now()
	due := !p.read || now.Sub(p.sitesAt) >= p.cfg.SitesEvery
	if p.read && version == p.seen && (!p.owed || !due) {
		return p.kept.snapshot, false, nil
	}
	if err := p.refresh(ctx, due); err != nil {
		return checks.Snapshot{}, false, err
	}
	if p.owed = !due; due {
		p.sitesAt = now
	}
	// The version was asked for before reading: what was written meanwhile
	// makes the next Poll read again.
	p.seen, p.read = version, true
	return p.kept.snapshot, true, nil
}

// exclusively runs work when its turn comes. Any failure drops the connection,
// so that the next call starts anew, and comes out as an *Error or ctx.Err().
func (p *Panel) exclusively(ctx context.Context, work func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.turn:
	}
	defer func() { p.turn <- struct{}{} }()
	err := guarded(work)
	if err == nil {
		return nil
	}
	// What the closing says adds nothing to why it is closed.
	_ = guarded(p.drop)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(p.cfg.Database, err)
}

// guarded turns a panic of the driver on a broken file into an error.
func guarded(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Reason: Malformed, Detail: fmt.Sprint("driver panic: ", r)}
		}
	}()
	return work()
}

// drop closes the connection. What was read stays to be compared with.
func (p *Panel) drop() error {
	f := p.file
	p.file, p.read = nil, false
	if f == nil {
		return nil
	}
	return f.close()
}
