package panel

import (
	"maps"
	"sync"

	"domovoy/checks"
)

// Classifier gives the code of an error text with its arguments, or "" for a
// text that it does not know.
type Classifier interface {
	Classify(text string) (checks.Code, checks.Args)
}

// rememberAtMost bounds the texts that are remembered, in bytes: ten thousand
// certificates may be failing, each with two hundred of its own.
const rememberAtMost = 4 << 20

// Remember makes a classifier that works each text out once: the same last
// words are looked at every minute for as long as a certificate fails. It is
// safe for concurrent use if the given one is.
func Remember(classifier Classifier) Classifier {
	return &remembering{classifier: classifier, known: map[string]classified{}}
}

type remembering struct {
	classifier Classifier
	mu         sync.Mutex
	known      map[string]classified // by text; guarded by mu
	size       int                   // of these texts; guarded by mu
}

type classified struct {
	code checks.Code
	args checks.Args
}

// Classify gives arguments of its own to every caller.
func (r *remembering) Classify(text string) (checks.Code, checks.Args) {
	r.mu.Lock()
	c, ok := r.known[text]
	r.mu.Unlock()
	if !ok {
		c.code, c.args = r.classifier.Classify(text)
		r.keep(text, c)
	}
	return c.code, maps.Clone(c.args)
}

// keep forgets all when there is too much: what is still said comes again.
func (r *remembering) keep(text string, c classified) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size += len(text); r.size > rememberAtMost {
		clear(r.known)
		r.size = len(text)
	}
	r.known[text] = c
}
