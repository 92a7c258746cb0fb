package account

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// defaultReaders is how many orders are read at a time. Let's Encrypt takes
// 250 requests a second, its staging environment 20.
const defaultReaders = 8

// Discover finds this CA's authorizations: in the client's traces, in the
// CA's list of orders where it has one, and in the orders that only their URL
// is known of. With an error it gives what was found so far.
func (c *Client) Discover(ctx context.Context, s Sources) (f Found, err error) {
	if f, err = Find(ctx, s); err != nil {
		return f, err
	}
	f.URLs = c.ours(f.URLs, &f.Foreign)
	f.Orders = c.ours(f.Orders, &f.Foreign)
	f.Stale = c.ours(f.Stale, &f.Foreign)
	defer func() { f.Hint = f.hint() }()
	if c.key != nil {
		if err = c.addListed(ctx, &f); err != nil {
			return f, err
		}
	}
	err = c.follow(ctx, &f, s)
	return f, err
}

// addListed adds the CA's own list of orders, where it has one.
func (c *Client) addListed(ctx context.Context, f *Found) error {
	list, err := c.Orders(ctx)
	if err != nil {
		return err
	}
	f.Cut = f.Cut || list.Cut
	known := map[string]bool{}
	for _, o := range f.Orders {
		known[o.URL] = true
	}
	for _, u := range list.URLs {
		if !known[u] && !f.told[u] {
			f.Orders = append(f.Orders, Seen{URL: u, Source: SourceOrders})
		}
	}
	return nil
}

// ours drops the URLs of other CAs.
func (c *Client) ours(seen []Seen, foreign *int) []Seen {
	var kept []Seen
	for _, s := range seen {
		if c.Belongs(s.URL) {
			kept = append(kept, s)
		} else {
			*foreign++
		}
	}
	return kept
}

// follow reads the orders for their authorizations. What the CA does not show,
// for want of a key or by a fault of its own, stays in Orders; that it wants
// to be left alone, or cannot be reached, is an error.
func (c *Client) follow(ctx context.Context, f *Found, s Sources) error {
	known := map[string]bool{}
	for _, seen := range f.URLs {
		known[seen.URL] = true
	}
	orders := f.Orders
	f.Orders = nil
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cmp.Or(max(s.Readers, 0), defaultReaders))
	for _, seen := range orders {
		group.Go(func() error {
			order, err := c.pacedOrder(ctx, s.Pace, seen.URL)
			mu.Lock()
			defer mu.Unlock()
			for _, u := range order.Authorizations {
				if !known[u] && c.Belongs(u) {
					known[u] = true
					f.URLs = append(f.URLs, Seen{URL: u, Source: seen.Source, At: seen.At})
				}
			}
			if err == nil || errors.Is(err, ErrNoOrder) { // it expired, and what was pending of it
				return nil
			}
			f.Orders = append(f.Orders, seen)
			if p, ok := errors.AsType[*Problem](err); ok && !p.Busy() {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

func (c *Client) pacedOrder(ctx context.Context, pace func(context.Context) error, u string) (Order, error) {
	if pace != nil {
		if err := pace(ctx); err != nil {
			return Order{}, err
		}
	}
	return c.Order(ctx, u)
}

// Bounds of a search.
const (
	mostFiles      = 30000    // state folders have one file for each certificate
	mostURLs       = 50000    // of each kind
	defaultMaxFile = 64 << 20 // bytes of one log
)

// Sources say where an ACME client leaves traces of authorizations.
type Sources struct {
	Logs     []string  // paths or patterns of [filepath.Glob]; rotated and packed files are found beside them
	KeyFile  string    // the account's key, for the client's state around it; may be empty
	Since    time.Time // what was written before is passed over; zero: all is read
	MaxBytes int64     // read of the end of one log; zero: 64 MB

	Readers int                         // orders that Discover reads at a time; zero: 8
	Pace    func(context.Context) error // waits before each of them; nil: no waiting
}

// Seen is a URL and where it was seen.
type Seen struct {
	URL    string
	Name   string    // a hint from the same log, to read the likely ones first; the CA alone knows. May be empty
	Source string    // the file, or "orders" for the CA's own list
	At     time.Time // when it was written; zero: not told
}

// SourceOrders is Seen.Source for the CA's list of orders.
const SourceOrders = "orders"

// Found is what a search saw, the newest first as far as that is known.
type Found struct {
	URLs    []Seen // of authorizations, each once
	Orders  []Seen // whose authorizations no log shows; [Client.Discover] asks the CA for them
	Stale   []Seen // authorizations in a form that Let's Encrypt serves no more
	Old     int    // URLs passed over because they were written before Since
	Foreign int    // URLs passed over because they are at another CA
	Files   []string
	Skipped []Skipped
	Hint    Hint
	Cut     bool // the bounds were reached: there may be more

	told map[string]bool // orders whose authorizations a log shows
}

// Skipped is a file that was not read, or not wholly.
type Skipped struct {
	Path   string
	Reason SkipReason
}

// SkipReason says why a file was skipped.
type SkipReason string

// The reasons of Skipped.
const (
	SkipOld        SkipReason = "old"        // not written since Sources.Since
	SkipDenied     SkipReason = "denied"     // we may not read it
	SkipMissing    SkipReason = "missing"    // a path without a pattern leads nowhere
	SkipUnreadable SkipReason = "unreadable" // no regular file, a broken archive, a fault of the disk
	SkipLarge      SkipReason = "large"      // only its end was read; of a packed file only its beginning
)

// Hint says why a search found nothing.
type Hint string

// The hints.
const (
	HintNone       Hint = ""            // something was found
	HintNoFiles    Hint = "no_files"    // there is no log at all
	HintUnreadable Hint = "unreadable"  // there are logs, and none could be read
	HintNotLogged  Hint = "not_logged"  // logs were read, and no ACME client wrote a URL to them: acme.sh without debug, as ISPmanager runs it by default
	HintNothing    Hint = "nothing_new" // only old, stale or foreign ones
)

// Find looks for authorizations in the logs and the state of ACME clients. It
// asks nobody: what it finds may be any CA's. An error is the context's.
func Find(ctx context.Context, s Sources) (Found, error) {
	if s.MaxBytes <= 0 {
		s.MaxBytes = defaultMaxFile
	}
	c := newCollector(s.Since)
	files := s.files(c)
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return Found{}, err
		}
		if c.full() {
			c.found.Cut = true
			break
		}
		if !s.Since.IsZero() && f.modified.Before(s.Since) {
			c.skip(f.path, SkipOld)
			continue
		}
		reason, err := c.readFile(ctx, f.path, s.MaxBytes)
		if err != nil {
			return Found{}, err
		}
		if reason != "" {
			c.skip(f.path, reason)
		}
		if reason == "" || reason == SkipLarge {
			c.found.Files = append(c.found.Files, f.path)
		}
	}
	return c.result(), nil
}

// logFile is a file to be read.
type logFile struct {
	path     string
	modified time.Time
}

// files are the logs and state files, the last written first.
func (s Sources) files(c *collector) []logFile {
	var files []logFile
	seen := map[string]bool{}
	add := func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrPermission):
			c.skip(path, SkipDenied)
		case err != nil || info.IsDir() || strings.HasSuffix(path, ".csr.conf"):
		case len(files) == mostFiles:
			c.found.Cut = true
		default:
			files = append(files, logFile{path, info.ModTime()})
		}
	}
	for _, pattern := range append(slices.Clone(s.Logs), statePatterns(s.KeyFile)...) {
		for _, rotated := range []string{"", ".[0-9]*", ".gz", "-[0-9]*"} {
			matches, _ := filepath.Glob(pattern + rotated) // a bad pattern matches nothing
			for _, path := range matches {
				add(path)
			}
		}
	}
	for _, path := range s.Logs {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrPermission) {
			c.skip(path, SkipDenied)
		} else if errors.Is(err, fs.ErrNotExist) && !isPattern(path) {
			c.skip(path, SkipMissing)
		}
	}
	slices.SortStableFunc(files, func(a, b logFile) int { return b.modified.Compare(a.modified) })
	return files
}

func isPattern(path string) bool { return strings.ContainsAny(path, `*?[\`) }

// statePatterns are where acme.sh keeps what belongs to a key: its home is
// above the folder "ca", with a folder for each certificate, whose .conf has
// the last order and, for a challenge by hand, its authorizations. certbot
// keeps neither in its state, only in its log.
func statePatterns(keyFile string) []string {
	if keyFile == "" {
		return nil
	}
	for folder := filepath.Dir(keyFile); ; folder = filepath.Dir(folder) {
		above := filepath.Dir(folder)
		if filepath.Base(folder) == "ca" {
			return []string{filepath.Join(above, "*", "*.conf"), filepath.Join(above, "acme.sh.log")}
		}
		if above == folder {
			return nil
		}
	}
}
