package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
)

// errNoFolder is the error of placing a challenge file where the configuration has
// no folder for them.
var errNoFolder = errors.New("no folder for challenge files is configured")

// errToken is the error of a token that RFC 8555 section 8.3 does not allow.
var errToken = errors.New("not a token")

// isToken reports whether a name is a token: base64url, of a length that no file
// system refuses.
func isToken(name string) bool {
	ok, _ := regexp.MatchString(`^[A-Za-z0-9_-]{1,128}$`, name)
	return ok
}

// place puts a challenge file in place. It never replaces one.
func (p Panel) place(token, text string) error {
	return p.inFolder(token, func(root *os.Root) error {
		file, err := root.OpenFile(token, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = file.WriteString(text)
		return errors.Join(err, file.Chmod(0o644), file.Close()) // the web server reads it
	})
}

// remove removes a challenge file; one that is not there is no error.
func (p Panel) remove(token string) error {
	return p.inFolder(token, func(root *os.Root) error {
		if err := root.Remove(token); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

func (p Panel) inFolder(token string, work func(*os.Root) error) error {
	switch {
	case p.Challenges == "":
		return errNoFolder
	case !isToken(token):
		return errToken
	}
	root, err := os.OpenRoot(p.Challenges)
	if err == nil {
		err = errors.Join(work(root), root.Close())
	}
	if err != nil {
		return fmt.Errorf("challenge file: %w", err)
	}
	return nil
}
