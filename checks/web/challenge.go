package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
)

// challengePath is the folder of the URL that the CA requests (RFC 8555 section
// 8.3).
const challengePath = "/.well-known/acme-challenge/"

// tokenPrefix distinguishes our files and requests from the CA's, in the folder
// and in access logs.
const tokenPrefix = "domovoy-"

// Challenges is where a panel's web server answers for challenges: a Folder of
// this host, or of another.
type Challenges interface {
	// Place puts a file in place that the web server can read. It never replaces
	// one. An error that is a checks.Away says that nobody could be asked to.
	Place(ctx context.Context, token, text string) error
	// Remove removes a file; one that is not there is no error.
	Remove(ctx context.Context, token string) error
}

// challenge is the file that a probe requests.
type challenge struct {
	token string
	want  string // content of the file; empty: no file was placed
}

func (c challenge) path() string { return path.Join(challengePath, c.token) }

// newChallenge makes a challenge with a random name.
func newChallenge() challenge { return challenge{token: tokenPrefix + rand.Text()} }

// place puts the file in place. It has the form of a key authorization: the token,
// a dot, 43 characters.
func (c *challenge) place(ctx context.Context, at Challenges) error {
	want := c.token + "." + (rand.Text() + rand.Text())[:43]
	err := at.Place(ctx, c.token, want)
	if err == nil {
		c.want = want
	}
	return err
}

// Folder is a folder of challenge files on this host; empty: there is none.
type Folder string

// Errors of a Folder.
var (
	ErrNoFolder = errors.New("no folder for challenge files is configured")
	ErrToken    = errors.New("not a token of ours")
)

// ownToken is one of ours, in base64url (RFC 8555 section 8.3) and of a length that no
// file system refuses. The files of the panel's own client are never touched.
var ownToken = regexp.MustCompile(`^` + tokenPrefix + `[A-Za-z0-9_-]{1,100}$`)

// Place creates a file that the web server's user can read, regardless of the umask.
func (f Folder) Place(_ context.Context, name, text string) error {
	return f.within(name, func(root *os.Root) error {
		file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = file.WriteString(text)
		if err = errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
			return errors.Join(err, root.Remove(name))
		}
		return nil
	})
}

// Remove removes a file.
func (f Folder) Remove(_ context.Context, name string) error {
	return f.within(name, func(root *os.Root) error {
		if err := root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// within works in the folder, and nowhere else.
func (f Folder) within(name string, work func(*os.Root) error) error {
	switch {
	case f == "":
		return ErrNoFolder
	case !ownToken.MatchString(name):
		return ErrToken
	}
	root, err := os.OpenRoot(string(f))
	if err == nil {
		err = errors.Join(work(root), root.Close())
	}
	if err != nil {
		return fmt.Errorf("challenge file: %w", err)
	}
	return nil
}
