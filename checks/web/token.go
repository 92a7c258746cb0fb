package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
)

// challengePath is where the CA looks (RFC 8555 section 8.3).
const challengePath = "/.well-known/acme-challenge/"

// tokenPrefix tells our files and requests from the CA's, in a folder and in
// an access log.
const tokenPrefix = "domovoy-"

// challenge is the file that a look asks for.
type challenge struct {
	token string
	want  string // what the file holds; empty: no file was placed
}

func (c challenge) path() string { return path.Join(challengePath, c.token) }

// newChallenge names a file that nobody else can have.
func newChallenge() challenge { return challenge{token: tokenPrefix + rand.Text()} }

// place puts the file into the panel's folder. Its form is that of a key
// authorization: the token, a dot, 43 characters.
func (c *challenge) place(folder string) (remove func() error, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the challenge folder: %w", err)
	}
	want := c.token + "." + (rand.Text() + rand.Text())[:43]
	if err := write(root, c.token, want); err != nil {
		return nil, errors.Join(fmt.Errorf("placing a challenge file: %w", err), root.Close())
	}
	c.want = want
	return func() error { return errors.Join(root.Remove(c.token), root.Close()) }, nil
}

// write makes a file that the web server's user can read whatever our umask.
func write(root *os.Root, name, text string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}
