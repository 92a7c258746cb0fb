package account

import (
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

// Limits of a search.
const (
	maxFiles       = 30000    // state folders have one file for each certificate
	maxURLs        = 50000    // of each kind
	defaultMaxFile = 64 << 20 // read of one log

	// orderReaders is how many orders are read concurrently. Let's Encrypt
	// allows 250 requests a second, its staging environment 20.
	orderReaders = 8
)

// Discover finds this CA's authorizations: in the ACME client's logs and state,
// and in the orders that these contain or that the CA lists, if it has a list.
// With an error it returns what was found before it.
func (c *Client) Discover(ctx context.Context, s Sources) (f Found, err error) {
	if f, err = Find(ctx, s); err != nil {
		return f, err
	}
	f.URLs = c.atThisCA(f.URLs, &f.Foreign)
	f.Orders = c.atThisCA(f.Orders, &f.Foreign)
	f.Stale = c.atThisCA(f.Stale, &f.Foreign)
	defer func() { f.Hint = f.hint() }()
	if c.key != nil {
		if err = c.addListed(ctx, &f); err != nil {
			return f, err
		}
	}
	err = c.readOrders(ctx, &f)
	return f, err
}

// addListed adds the CA's own list of orders, if it has one.
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
		if !known[u] && !f.complete[u] {
			f.Orders = append(f.Orders, FoundURL{URL: u, Source: SourceOrders})
		}
	}
	return nil
}

// atThisCA removes the URLs of other CAs, and counts them.
func (c *Client) atThisCA(seen []FoundURL, foreign *int) []FoundURL {
	var kept []FoundURL
	for _, s := range seen {
		if c.Belongs(s.URL) {
			kept = append(kept, s)
		} else {
			*foreign++
		}
	}
	return kept
}

// readOrders adds the authorizations of the orders. Orders that the CA does not
// return, because there is no key or because of a fault of its own, stay in
// Orders. If the CA asks to stop sending for some time, or cannot be reached,
// that is an error.
func (c *Client) readOrders(ctx context.Context, f *Found) error {
	known := map[string]bool{}
	for _, seen := range f.URLs {
		known[seen.URL] = true
	}
	orders := f.Orders
	f.Orders = nil
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(orderReaders)
	for _, seen := range orders {
		group.Go(func() error {
			order, err := c.Order(ctx, seen.URL)
			mu.Lock()
			defer mu.Unlock()
			for _, u := range order.Authorizations {
				if !known[u] && c.Belongs(u) {
					known[u] = true
					f.URLs = append(f.URLs, FoundURL{URL: u, Source: seen.Source, At: seen.At})
				}
			}
			if err == nil || errors.Is(err, ErrNoOrder) { // the order expired, with its pending authorizations
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

// Sources say where an ACME client leaves traces of authorizations.
type Sources struct {
	Logs     []string // paths or patterns of [filepath.Glob]; rotated and compressed files are found beside them
	KeyFile  string   // the account's key, to find the client's state files near it; may be empty
	MaxBytes int64    // read of the end of one log; zero: 64 MB
}

// FoundURL is a URL and where it was seen.
type FoundURL struct {
	URL    string
	Name   string    // from nearby in the log, not verified; may be empty
	Source string    // the file, or "orders" for the CA's own list
	At     time.Time // when it was written; zero: not known
}

// SourceOrders is the value of FoundURL.Source for the CA's list of orders.
const SourceOrders = "orders"

// Found is the result of a search, newest first if the times are known.
type Found struct {
	URLs    []FoundURL // of authorizations, each once
	Orders  []FoundURL // whose authorizations are in no log; [Client.Discover] asks the CA for them
	Stale   []FoundURL // authorizations in a form that Let's Encrypt no longer serves
	Foreign int        // number of URLs of other CAs, which are left out
	Files   []string   // that were read
	Skipped []Skipped
	Hint    Hint
	Cut     bool // a limit was reached: there may be more

	complete map[string]bool // orders whose authorizations are in a log
}

// Skipped is a file that was not read, or only in part.
type Skipped struct {
	Path   string
	Reason SkipReason
}

// SkipReason says why a file was skipped.
type SkipReason string

// The reasons of Skipped.
const (
	SkipDenied     SkipReason = "denied"     // no permission to read it
	SkipMissing    SkipReason = "missing"    // a path without a pattern does not exist
	SkipUnreadable SkipReason = "unreadable" // not a regular file, a broken archive, a read error
	SkipLarge      SkipReason = "large"      // only its end was read, or only its beginning if it is compressed
)

// Hint says why a search found nothing.
type Hint string

// The hints.
const (
	HintNone       Hint = ""            // something was found
	HintNoFiles    Hint = "no_files"    // there is no log
	HintUnreadable Hint = "unreadable"  // there are logs, but none could be read
	HintNotLogged  Hint = "not_logged"  // the logs contain no URLs: acme.sh writes them only with debugging on, which is off by default in ISPmanager
	HintNothing    Hint = "nothing_new" // only stale or foreign ones
)

// Find finds authorizations in the logs and the state files of ACME clients. It
// makes no request, so URLs of any CA are returned. The only error is the
// context's.
func Find(ctx context.Context, s Sources) (Found, error) {
	if s.MaxBytes <= 0 {
		s.MaxBytes = defaultMaxFile
	}
	c := newCollector()
	files := s.files(c)
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return Found{}, err
		}
		if c.full() {
			c.found.Cut = true
			break
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

// files returns the logs and state files, the newest first.
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
		case len(files) == maxFiles:
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

// statePatterns returns patterns of the files that acme.sh keeps for a key:
// above the folder "ca" is its home, with its log and a folder for each
// certificate, whose .conf contains the last order and, for manual challenges,
// its authorizations. certbot writes both to its log only.
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
