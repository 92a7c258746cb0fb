package cert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"domovoy/checks"
)

// Vhosts reads a web server's settings for the certificate files that they
// name: a missing one keeps the whole server from starting. It reads settings
// again only when they changed, and never reads the certificate files
// themselves. It is safe for concurrent use.
type Vhosts struct {
	patterns []string
	now      func() time.Time

	mu    sync.Mutex
	at    time.Time            // of the last read
	known map[string]settings  // by path
	sites map[string][]mention // by name
	err   error                // of the last read: settings that could not be read
}

// settings is the parsed content of one file, kept until the file changes.
type settings struct {
	modified time.Time
	size     int64
	vhosts   []vhost
}

// mention is a virtual host that has a name.
type mention struct {
	path string // path of the settings
	host *vhost
}

// fresh is how long settings are used before all are read again; mostSettings
// is how many files are read.
const (
	fresh        = 10 * time.Second
	mostSettings = 100_000
)

// NewVhosts returns Vhosts over the files that match the patterns (path.Match).
// now is the clock; nil: time.Now.
func NewVhosts(patterns []string, now func() time.Time) *Vhosts {
	if now == nil {
		now = time.Now
	}
	return &Vhosts{patterns: patterns, now: now}
}

// Check finds files that the web server's settings of a site name and that do
// not exist. v may be nil: no settings are read.
func (v *Vhosts) Check() checks.Check {
	c := checks.Check{Name: VhostsCheck, Scope: checks.ScopeSite, Live: true, Codes: []checks.Code{checks.CertMissing}}
	if v == nil || len(v.patterns) == 0 {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) { return v.Inspect(ctx, *t.Site) }
	return c
}

// Inspect finds files that the settings of a site name and that do not exist. The
// error means that some could not be checked.
func (v *Vhosts) Inspect(ctx context.Context, s checks.Site) ([]checks.Finding, error) {
	mentions, err := v.of(ctx, s)
	if err != nil {
		return nil, err
	}
	gone, err := missing(mentions)
	if len(gone) == 0 {
		return nil, err
	}
	args := checks.Args{"file": checks.Clean(gone[0].file, checks.WordLength), "vhost": checks.Clean(gone[0].path, checks.WordLength), "count": len(gone)}
	if len(gone) > 1 {
		args["more"] = true
	}
	if s.Certificate != "" {
		args["certificate"] = s.Certificate
	}
	var lines []string
	for _, g := range gone {
		lines = append(lines, checks.Clean(g.path+": "+g.file, 3*checks.WordLength))
	}
	f := finding(checks.CertMissing, args)
	f.Detail = checks.Bound(strings.Join(lines, "\n"))
	return []checks.Finding{f}, err
}

// lost is a file that does not exist, and the settings that name it.
type lost struct{ path, file string }

// missing returns the files of virtual hosts that do not exist, checking each
// once.
func missing(mentions []mention) ([]lost, error) {
	var gone []lost
	var errs []error
	seen := map[string]bool{}
	for _, m := range mentions {
		for _, file := range m.host.files {
			if seen[file] || m.host.off {
				continue
			}
			seen[file] = true
			_, err := os.Stat(file)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				gone = append(gone, lost{m.path, file})
			case err != nil:
				errs = append(errs, fmt.Errorf("looking for a file that %s names: %w", m.path, err))
			}
		}
	}
	return gone, errors.Join(errs...)
}

// of returns the virtual hosts of a site's names. The error is about settings
// that could not be read, which may be those of the site; it is returned only
// if no others were found.
func (v *Vhosts) of(ctx context.Context, s checks.Site) ([]mention, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := v.now(); v.sites == nil || now.Sub(v.at) >= fresh || now.Before(v.at) {
		if err := v.read(ctx); err != nil {
			return nil, err
		}
		v.at = now
	}
	var found []mention
	for _, name := range append([]string{s.Name}, s.Aliases...) {
		found = append(found, v.sites[name]...)
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, v.err
}

// read reads all settings.
func (v *Vhosts) read(ctx context.Context) error {
	known, sites, errs := map[string]settings{}, map[string][]mention{}, []error(nil)
	for _, pattern := range v.patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("looking for a web server's settings: %w", err)
		}
		for _, path := range paths[:min(len(paths), mostSettings)] {
			if _, twice := known[path]; twice {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s, err := v.one(path)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			known[path] = s
			for i := range s.vhosts {
				for _, name := range s.vhosts[i].names {
					sites[name] = append(sites[name], mention{path, &s.vhosts[i]})
				}
			}
		}
	}
	v.known, v.sites, v.err = known, sites, errors.Join(errs[:min(len(errs), 3)]...)
	return nil
}

// one reads a file of settings, or returns the cached result if it has not
// changed.
func (v *Vhosts) one(path string) (settings, error) {
	// Without O_NONBLOCK a pipe of that name would block for ever.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return settings{}, fmt.Errorf("reading a web server's settings: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return settings{}, fmt.Errorf("reading a web server's settings: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return settings{}, fmt.Errorf("reading %s: %w", path, ErrNoFile)
	}
	if s, ok := v.known[path]; ok && s.modified.Equal(info.ModTime()) && s.size == info.Size() {
		return s, nil
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return settings{}, fmt.Errorf("reading a web server's settings: %w", err)
	}
	return settings{info.ModTime(), info.Size(), parseVhosts(text)}, nil
}
