package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"domovoy/checks"
)

// LogOptions say where access logs are.
type LogOptions struct {
	Paths      []string     // a "*" stands for the site's name; the first that exists is read
	Validators int          // minimum number of the CA's; 5 by default: one primary and four others (Baseline Requirements since June 2026)
	MaxBytes   int64        // read of one file, 64 MB by default
	Listings   *Listings    // asked whether sources are on blocklists; nil: no list is asked
	Own        []netip.Addr // our addresses: requests from them are no validator's
}

// AccessLogs finds requests for challenge files in sites' access logs, in the
// combined format. It never writes.
type AccessLogs struct{ opts LogOptions }

// Defaults of LogOptions.
const (
	defaultValidators = 5
	defaultMaxBytes   = 64 << 20
)

// NewAccessLogs makes a reader.
func NewAccessLogs(opts LogOptions) *AccessLogs {
	if opts.Validators <= 0 {
		opts.Validators = defaultValidators
	}
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = defaultMaxBytes
	}
	return &AccessLogs{opts: opts}
}

// Order is an order that failed at the CA.
type Order struct {
	Time   time.Time    // when the failure was recorded
	Text   string       // the CA's text, as stored
	Tokens []string     // its challenges; empty: any that was requested shortly before Time
	Own    []netip.Addr // more addresses of ours, beside those of LogOptions
}

// The time around a failure in which the CA's validators send requests.
const (
	before = 10 * time.Minute
	after  = time.Minute
)

// Visits returns the requests for an order's files, oldest first, except our
// own. If the site has no log, the error is fs.ErrNotExist.
func (l *AccessLogs) Visits(ctx context.Context, name string, o Order) ([]Visit, error) {
	logs, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer closeAll(logs)
	from, to := o.Time.Add(-before), o.Time.Add(after)
	var found []Visit
	for _, f := range logs {
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("looking at an access log: %w", err)
		}
		if info.ModTime().Before(from) {
			continue
		}
		err = lines(ctx, f, from, l.opts.MaxBytes, func(line []byte) {
			if !mayBeVisit(line) {
				return
			}
			if v, ok := parseLine(line); ok && o.includes(v, from, to) {
				found = append(found, v)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(found, func(a, b Visit) int { return a.Time.Compare(b.Time) })
	return found, nil
}

func (o Order) includes(v Visit, from, to time.Time) bool {
	if strings.HasPrefix(v.Token, tokenPrefix) || v.Time.Before(from) || v.Time.After(to) {
		return false
	}
	return len(o.Tokens) == 0 || slices.Contains(o.Tokens, v.Token)
}

// errNoLog: no configured path leads to a log of the site.
var errNoLog = fmt.Errorf("no access log of this site: %w", fs.ErrNotExist)

// open opens the site's log and the most recently rotated one.
func (l *AccessLogs) open(name string) ([]*os.File, error) {
	for _, pattern := range l.opts.Paths {
		for _, form := range []string{name, checks.ToUnicode(name)} {
			logs, err := openLogs(pattern, form)
			if err != nil || len(logs) > 0 {
				return logs, err
			}
		}
	}
	return nil, errNoLog
}

// openLogs opens the log of a name and the most recently rotated one, by a
// pattern. It opens nothing outside the folder before the pattern's star: links
// out of it are not followed, and a name that is a path is refused.
func openLogs(pattern, name string) ([]*os.File, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return nil, fmt.Errorf("%w: %q", checks.ErrNotAName, name)
	}
	fixed, _, starred := strings.Cut(pattern, "*")
	folder := filepath.Dir(pattern)
	if starred {
		folder = filepath.Dir(fixed + "x")
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of access logs: %w", err)
	}
	defer root.Close()
	below, err := filepath.Rel(folder, strings.ReplaceAll(pattern, "*", name))
	if err != nil {
		return nil, fmt.Errorf("finding an access log: %w", err)
	}
	var logs []*os.File
	for _, rotated := range []string{"", ".1", ".1.gz", ".gz"} {
		f, err := openLog(root, below+rotated)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			closeAll(logs)
			return nil, fmt.Errorf("opening an access log: %w", err)
		default:
			logs = append(logs, f)
		}
	}
	return logs, nil
}

// openLog opens a regular file. Without O_NONBLOCK a pipe of that name would
// block for ever.
func openLog(root *os.Root, path string) (*os.File, error) {
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func closeAll(logs []*os.File) {
	for _, f := range logs {
		f.Close()
	}
}

// LogCheck is the name of the check in outcomes and failures.
const LogCheck = "access log"

// Check finds in a site's access log the requests for the files of its last
// order, if that failed. l may be nil: no log is read.
func (l *AccessLogs) Check() checks.Check {
	c := checks.Check{
		Name:  LogCheck,
		Scope: checks.ScopeSite,
		Live:  true,
		Codes: []checks.Code{checks.WebBlocked, checks.WebFlapping},
		Needs: checks.Needs{Direct: true}, // a proxied name's log shows the proxy's requests
		Due: func(t *checks.Target) bool {
			return t.History != nil && t.History.Last.Outcome == checks.OutcomeFailed && !t.History.Last.Time.IsZero()
		},
	}
	if l == nil || len(l.opts.Paths) == 0 {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		last := t.History.Last
		found, err := l.Sources(ctx, t.Site.Name, Order{Time: last.Time, Text: last.Text, Tokens: failedToken(last.Text), Own: t.Site.Addresses})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil // the site has no log
		}
		return found, err
	}
	return c
}

// Sources finds in the log why an order failed: web.blocked if the CA says that
// it could not connect from its other networks and fewer validators sent
// requests than it needs, web.flapping if some of the requests reached a dead
// backend. No request at all proves nothing: the name may point elsewhere, or
// the web server may not log such requests. Nor does anything if the CA's other
// validators failed in DNS, before any request. It must not be used for names
// behind a proxy, whose log shows the proxy's requests.
func (l *AccessLogs) Sources(ctx context.Context, name string, o Order) ([]checks.Finding, error) {
	if remoteDNS(o.Text) {
		return nil, nil
	}
	o.Own = slices.Concat(l.opts.Own, o.Own)
	visits, err := l.Visits(ctx, name, o)
	if err != nil {
		return nil, fmt.Errorf("reading the access log of %s: %w", name, err)
	}
	patterns := map[string]fetches{}
	for _, c := range gather(validatorsOnly(visits, o.Own)) {
		p := c.pattern(l.opts.Validators)
		if worst, ok := patterns[p]; !ok || len(c.Sources) < len(worst.Sources) {
			patterns[p] = c
		}
	}
	if _, passed := patterns[fetchedAll]; passed {
		return nil, nil // enough validators reached one of the files, so none is blocked
	}
	for _, p := range []string{fetchedHalf, fetchedPrimary, fetchedSome} {
		c, ok := patterns[p]
		if !ok || p != fetchedHalf && !remoteConnection(o.Text) {
			continue
		}
		front, err := l.visitors(ctx, name, o, c.Sources)
		if front || err != nil {
			return nil, err
		}
		return []checks.Finding{l.finding(ctx, c, p)}, nil
	}
	return nil, nil
}

// visitors reports whether a source also requested something other than
// challenge files that day: validators never do, so it is a front of ours that
// forwards the requests of others.
func (l *AccessLogs) visitors(ctx context.Context, name string, o Order, sources []netip.Addr) (bool, error) {
	logs, err := l.open(name)
	if err != nil {
		return false, fmt.Errorf("reading the access log of %s: %w", name, err)
	}
	defer closeAll(logs)
	front := false
	for _, f := range logs {
		err := lines(ctx, f, o.Time.Add(-24*time.Hour), l.opts.MaxBytes, func(line []byte) {
			front = front || !mayBeVisit(line) && slices.Contains(sources, lineSource(line))
		})
		if err != nil {
			return false, fmt.Errorf("reading the access log of %s: %w", name, err)
		}
	}
	return front, nil
}

func (l *AccessLogs) finding(ctx context.Context, c fetches, pattern string) checks.Finding {
	var sources []string
	named := c.Sources[:min(len(c.Sources), shown)]
	for _, a := range named {
		sources = append(sources, a.String())
	}
	code, args := checks.WebBlocked, checks.Args{
		"pattern":   pattern,
		"token":     c.Token,
		"sources":   len(c.Sources),
		"expected":  needed(l.opts.Validators),
		"addresses": sources,
	}
	if pattern == fetchedHalf {
		code = checks.WebFlapping
		args["attempts"], args["failed"], args["ok"] = c.Served+c.Broken, c.Broken, c.Served
		args["cause"] = string(checks.WebError)
	}
	detail := fmt.Sprintf("%s: %d x 200, %d x 4xx, %d x 5xx from %v", c.Token, c.Served, c.Refused, c.Broken, sources)
	f := checks.Finding{Code: code, Severity: code.Severity(), Args: args, Detail: detail}
	l.opts.Listings.Note(ctx, &f)
	return f
}
