package telegram

import (
	"errors"
	"net/url"
	"strings"
)

// redactor knows what must never be seen.
type redactor []string

// newRedactor takes secrets in their plain form and adds the escaped ones.
func newRedactor(secrets ...string) redactor {
	var r redactor
	for _, s := range secrets {
		if s != "" {
			r = append(r, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	return r
}

func (r redactor) text(s string) string {
	for _, secret := range r {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return s
}

// error hides the secrets of an error's text. The token is a part of every
// URL, and net/http puts the URL into every error.
func (r redactor) error(err error) error {
	if err == nil {
		return nil
	}
	return &redacted{text: r.text(err.Error()), cause: r.clean(err)}
}

// clean finds the first error of the chain whose text is harmless; may be nil.
func (r redactor) clean(err error) error {
	for err != nil && r.text(err.Error()) != err.Error() {
		err = errors.Unwrap(err)
	}
	return err
}

// redacted is an error that can be logged.
type redacted struct {
	text  string
	cause error // may be nil
}

func (e *redacted) Error() string { return e.text }

func (e *redacted) Unwrap() error { return e.cause }
