package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	Paths      []string  // a "*" stands for the site's name; the first that exists is read
	Validators int       // of the CA, at least; 5 by default: one primary and four others (Baseline Requirements since June 2026)
	MaxBytes   int64     // read of one file, 64 MB by default
	Listings   *Listings // who of those that came stands on blocklists; nil: nobody is asked
}

// AccessLogs reads sites' access logs, in the combined format, for who came
// to fetch challenge files. It never writes.
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

// Order is one that failed at the CA.
type Order struct {
	Time   time.Time // when the failure was noted
	Tokens []string  // its challenges; empty: whatever was fetched shortly before Time
}

// The time around a failure in which the CA's validators came.
const (
	before = 10 * time.Minute
	after  = time.Minute
)

// Visits are the requests for an order's files, oldest first, without our
// own. No log for the site is an error that is fs.ErrNotExist.
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

// errNoLog says that no configured path leads to a log of the site.
var errNoLog = fmt.Errorf("no access log of this site: %w", fs.ErrNotExist)

// open opens the site's log and what was rotated last.
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

// openLogs opens what a pattern means for a name. Everything stays below the
// folder that stands before the pattern's star: no link leads out of it, and
// no name is a path.
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
// hold us up for ever.
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
