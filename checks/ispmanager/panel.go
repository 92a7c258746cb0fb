// Package ispmanager reads the panel's database, SQLite, MySQL or MariaDB, and
// never blocks the panel.
//
// A SQLite file is opened read-only by URI, on one connection. It is read in
// batches of a few milliseconds, each a statement of its own that is closed
// before anything else happens, with pauses if readers block the panel's writer
// (rollback journal). So no lock is held for longer than one batch, and the
// batches of a reading are not a consistent view: a row that changes while
// tables are read may have its old or its new values, and the change makes the
// next Poll read again. After the first reading only the rows of pages that
// changed are read; see sqlite_pages.go. The file must not be opened in any other
// way: closing a second descriptor would drop all of this process's POSIX locks
// on it.
//
// In MySQL and MariaDB the session is read-only, each batch is a statement with
// a time limit, and no transaction lives longer than one: see mysqlDatabase. After
// the first readings only the rows of ranges whose digest changed are read; see
// mysql_spans.go.
//
// Almost nothing about the panel's tables is documented, so tables and columns
// are found by name, whatever their letter case or position. A missing table or
// column switches off only what needs it; see checks.Snapshot.
package ispmanager

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"domovoy/checks"
)

// Config configures a Panel.
type Config struct {
	Name string // the panel's name in the configuration
	// Database is the path of a SQLite file, a server as mysql://USER@HOST/NAME
	// (see package location), or auto: what the file Conf says.
	Database string
	Conf     string         // path of the panel's db.conf, for auto; the panel's options are in a file near it
	Password func() string  // of a server's user; nil: there is none. A function, so that it is not printed
	Zone     *time.Location // zone of the dates in the database, which are text without a zone; nil is UTC

	// SitesEvery is how often the tables of sites are read again at most, on a
	// panel that writes all the time. Sites are changed by people, certificates
	// by the panel itself, so certificates are read after every write. Zero
	// reads both after every write.
	SitesEvery time.Duration
}

// Panel reads one panel's database. It is safe for concurrent use; only one
// statement runs at a time.
type Panel struct {
	cfg  Config
	turn chan struct{} // holds one token, which a goroutine takes to use the fields below
	db   database

	options optionsFile

	seen stamps // of the tables when they were read into kept, on this connection
	kept kept

	sitesAt time.Time // when the tables of sites were last looked at
}

// New returns a reader of the panel's database. It does no I/O: the first Poll
// opens the database.
func New(cfg Config) *Panel {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	p := &Panel{cfg: cfg, turn: make(chan struct{}, 1), db: newDatabase(cfg), options: optionsOf(cfg)}
	p.turn <- struct{}{}
	return p
}

// Close closes the database. A later Poll would open it again.
func (p *Panel) Close() error {
	<-p.turn
	defer func() { p.turn <- struct{}{} }()
	return p.drop()
}

// Poll reads the panel's sites and certificates. It returns the same snapshot
// and false if the database was not written to since the last successful Poll.
// True means that it was, so the issuance log may have grown too; slices of the
// snapshot that did not change are shared with the one before.
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
	now, err := p.db.look(ctx)
	if err != nil {
		return checks.Snapshot{}, false, err
	}
	at := time.Now()
	sites := p.seen == stamps{} || at.Sub(p.sitesAt) >= p.cfg.SitesEvery
	logged := !now.same(&p.seen, letsencryptLog)
	var due [tableCount]bool
	for id := range letsencryptLog {
		due[id] = !now.same(&p.seen, id) && (sites || id == letsencryptSSL)
	}
	changed := false
	if logged || due != [tableCount]bool{} {
		fresh, same, err := p.refresh(ctx, due)
		if err != nil {
			return checks.Snapshot{}, false, err
		}
		if changed = logged || !same; changed {
			p.kept = fresh
		}
		p.kept.chunks = fresh.chunks // unchanged ones may have marks now
	}
	options, moved := p.options.look()
	p.kept.snapshot.Options = options
	for id := range now {
		if due[id] || id == letsencryptLog {
			p.seen[id] = now[id]
		}
		if due[id] && id != letsencryptSSL {
			p.sitesAt = at
		}
	}
	p.db.done()
	return p.kept.snapshot, changed || moved, nil
}

// exclusively runs work while no other work runs. Any failure closes the
// connection, so that the next call opens a new one; the error is an *Error or
// ctx.Err().
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
	if err != nil && p.db.lost(err) && ctx.Err() == nil {
		_ = guarded(p.drop) // of a connection that is gone already
		err = guarded(work)
	}
	if err == nil {
		return nil
	}
	failure := p.db.explain(err)
	// The failure that led here is reported; one of closing adds nothing.
	_ = guarded(p.drop)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failure
}

// guarded turns a panic, which the driver may raise on a broken file, into an
// error.
func guarded(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Reason: Malformed, Detail: fmt.Sprint("driver panic: ", r)}
		}
	}()
	return work()
}

// drop closes the connection. The last reading is kept for comparison.
func (p *Panel) drop() error {
	p.seen = stamps{}
	return p.db.close()
}

// kept is the last reading. A successful one replaces it as a whole; an
// unchanged chunk is not parsed again.
type kept struct {
	chunks       [tableCount][]chunk
	sites        sites
	certificates []reading[checks.Certificate] // by chunk of letsencrypt_ssl
	snapshot     checks.Snapshot
}

// refresh reads the tables that are due and parses what changed. It reports
// whether all is the same as in the last reading.
func (p *Panel) refresh(ctx context.Context, due [tableCount]bool) (kept, bool, error) {
	var chunks [tableCount][]chunk
	var same [tableCount]bool
	unchanged := slices.Equal(p.kept.snapshot.Missing, p.db.tables().missing())
	for id := range letsencryptLog {
		if !due[id] {
			chunks[id], same[id] = p.kept.chunks[id], true
			continue
		}
		var err error
		if chunks[id], same[id], err = p.chunks(ctx, id); err != nil {
			return kept{}, false, err
		}
		unchanged = unchanged && same[id]
	}
	was, now := &p.kept, kept{chunks: chunks}
	owners := owners(chunks[users])
	now.sites = was.sites
	for id := range letsencryptSSL {
		if !same[id] {
			now.sites = readSites(p.cfg.Name, p.db.tables(), chunks, owners)
			break
		}
	}
	now.certificates, now.snapshot.Certificates = was.certificates, was.snapshot.Certificates
	if !same[letsencryptSSL] || !same[users] {
		r := certificateReader{server: p.cfg.Name, owners: owners, clock: &clock{zone: p.cfg.Zone},
			dated: p.db.tables()[letsencryptSSL].has(leStarted)}
		if same[users] {
			r.before, r.parsed = was.chunks[letsencryptSSL], was.certificates
		}
		now.certificates, now.snapshot.Certificates = r.read(chunks[letsencryptSSL])
	}
	now.complete(p.cfg.Name, p.db.tables().missing())
	now.snapshot.Rows, now.snapshot.Writes = p.db.tables().rows(chunks), p.db.writes(ctx)
	return now, unchanged, nil
}

// complete makes a snapshot of the parts.
func (k *kept) complete(server string, missing []checks.Missing) {
	s := &k.snapshot
	s.Server, s.Taken, s.Missing = server, time.Now(), missing
	s.Sites, s.Addresses = k.sites.rows, k.sites.panel
	s.Nodes, s.NodesBy = k.sites.nodes, k.sites.by
	s.UnreadableN = k.sites.doubtsN
	s.Unreadable = append(s.Unreadable, k.sites.doubts...)
	for _, c := range k.certificates {
		s.UnreadableN += c.doubtsN
		s.Unreadable = append(s.Unreadable, c.doubts[:min(len(c.doubts), listedDoubts-len(s.Unreadable))]...)
	}
}

// owners maps users' ids to their names.
func owners(chunks []chunk) map[int64]string {
	names := map[int64]string{}
	for _, c := range chunks {
		for field := range records(c.text, 2) {
			names[number(field[0])] = plain(field[1])
		}
	}
	return names
}
