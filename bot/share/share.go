// Package share keeps the pages that customers are shown: in a folder that the team's
// own web server serves, each under a random name, for some days.
package share

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"domovoy/reports/journal"
)

// Config says where pages go.
type Config struct {
	Folder string        // empty: no page is made; old ones still end
	URL    string        // under which the folder is served
	Keep   time.Duration // how long
}

// Pages are the pages for customers.
type Pages struct {
	Config
	journal *journal.Journal
	log     *slog.Logger
}

// New makes pages.
func New(c Config, j *journal.Journal, log *slog.Logger) *Pages {
	return &Pages{Config: c, journal: j, log: log}
}

// IsOn reports whether pages can be made.
func (p *Pages) IsOn() bool { return p.Folder != "" }

// Link is the address of a page.
func (p *Pages) Link(s journal.Share) string {
	return strings.TrimSuffix(p.URL, "/") + "/" + file(s.Name)
}

// nameBytes make a name that nobody guesses: 128 bits.
const nameBytes = 16

// Reserve returns a page of that time which is not made yet: name, folder and times
// are set.
func (p *Pages) Reserve(now time.Time) journal.Share {
	var random [nameBytes]byte
	_, _ = rand.Read(random[:])                // never fails: crypto/rand
	now = now.UTC().Truncate(time.Millisecond) // as it is stored
	name := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:]))
	return journal.Share{Name: name, Folder: p.Folder, Created: now, Expires: now.Add(p.Keep)}
}

// Publish writes a page and returns it with its ID. It is stored before it is written,
// so that whatever happens it ends when its time is over.
func (p *Pages) Publish(ctx context.Context, s journal.Share, page []byte) (journal.Share, error) {
	id, err := p.journal.KeepShare(ctx, s)
	if err != nil {
		return s, err
	}
	s.ID = id
	if err := write(s, page); err != nil {
		return s, errors.Join(fmt.Errorf("writing a page for a customer: %w", err), p.end(ctx, s, s.Created))
	}
	return s, nil
}

// List lists the pages that are there, the newest first.
func (p *Pages) List(ctx context.Context) ([]journal.Share, error) { return p.journal.Shares(ctx) }

// Find returns a page that is not ended; false: there is none with that ID.
func (p *Pages) Find(ctx context.Context, id int64) (journal.Share, bool, error) {
	all, err := p.journal.Shares(ctx)
	for _, s := range all {
		if s.ID == id {
			return s, true, err
		}
	}
	return journal.Share{}, false, err
}

// Revoke deletes a page now.
func (p *Pages) Revoke(ctx context.Context, s journal.Share, now time.Time) error {
	return p.end(ctx, s, now)
}

// Expire is the job that deletes the pages whose time is over. One that cannot be
// deleted does not keep the others, and is tried again at the next run.
func (p *Pages) Expire(ctx context.Context, now time.Time) error {
	all, err := p.journal.Shares(ctx)
	for _, s := range all {
		if s.Expires.After(now) {
			continue
		}
		if failed := p.end(ctx, s, now); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		p.log.InfoContext(ctx, "a page for a customer is over", "page", s.ID, "domain", s.Domain)
	}
	return err
}

// end deletes a page's files, and notes it only once they are gone.
func (p *Pages) end(ctx context.Context, s journal.Share, now time.Time) error {
	if err := remove(s); err != nil {
		return fmt.Errorf("deleting page %d for a customer: %w", s.ID, err)
	}
	return p.journal.EndShare(ctx, s.ID, now)
}

func file(name string) string { return name + ".html" }

// part is the name of a page that is being written; web servers do not list it.
func part(name string) string { return "." + name + ".part" }

// write puts a page in place in one step, readable for the web server whatever our
// umask is. Nothing outside the folder is touched: a link in it is not followed out of
// it.
func write(s journal.Share, page []byte) (err error) {
	root, err := os.OpenRoot(s.Folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f, err := root.OpenFile(part(s.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(page)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return root.Rename(part(s.Name), file(s.Name))
}

// remove deletes what write may have left. What is not there is removed.
func remove(s journal.Share) error {
	root, err := os.OpenRoot(s.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range []string{file(s.Name), part(s.Name)} {
		if failed := root.Remove(name); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return errors.Join(err, root.Close())
}
