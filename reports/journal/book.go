package journal

import (
	"context"
	"errors"
	"hash/fnv"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"domovoy/checks"
	"domovoy/reports/journal/wording"
)

// book is what attempts of one server refer to by numbers: certificates, and
// wordings, each stored once. It has what the attempts at hand need.
type book struct {
	server   int64
	sums     map[string]*attemptSum // by certificate name
	words    map[string]*word       // by key
	size     int                    // bytes of the keys of words
	newSums  []*attemptSum          // whose ids are not known yet
	newWords []*word

	key, parts []byte // reused, as are these, one element for each attempt of a batch
	rows       []kept
	refs       []reference
}

// reference is what an attempt refers to.
type reference struct {
	sum  *attemptSum
	word *word
	end  int // of its part of the batch's parts
}

// word is a wording: a status and the pattern of a text (see package wording).
type word struct {
	id     int64  // 0: not known yet
	key    string // the status, a line feed, the pattern
	status int    // length of the status
	newest int64  // time of the newest attempt at hand that has it
	used   int64  // as it is stored: no attempt with it is later
}

// openBook returns an empty book of a server, which it adds if it is new.
func (t *tx) openBook(ctx context.Context, server string) (*book, error) {
	b := &book{sums: map[string]*attemptSum{}, words: map[string]*word{}}
	id, ok, err := one(ctx, t, single[int64], `SELECT id FROM server WHERE name = ?`, server)
	if err == nil && !ok {
		id, _, err = one(ctx, t, single[int64], `INSERT INTO server (id, name) SELECT coalesce(max(id) + 1, 0), ? FROM server RETURNING id`, server)
	}
	if err == nil && id > mostServer {
		err = errors.New("there are too many servers")
	}
	b.server = id
	return b, err
}

// encode returns attempts as they are stored, until it is called again. It stores the
// certificates and wordings that are new.
func (b *book) encode(ctx context.Context, t *tx, attempts []checks.Attempt) ([]kept, error) {
	b.rows, b.refs, b.parts = b.rows[:0], b.refs[:0], b.parts[:0]
	for i := range attempts {
		a := &attempts[i]
		if a.Row < 0 || a.Row > rowMask {
			continue
		}
		s := b.sum(a.Certificate)
		w := b.word(a.Status, a.Text, s.name)
		k := kept{id: b.server<<rowBits | a.Row, outcome: a.Outcome, time: millis(a.Time)}
		w.newest = max(w.newest, k.time)
		b.rows, b.refs = append(b.rows, k), append(b.refs, reference{s, w, len(b.parts)})
	}
	if err := errors.Join(b.loadSums(ctx, t), b.loadWords(ctx, t)); err != nil {
		return nil, err
	}
	parts, start := string(b.parts), 0 // one string for all of them
	for i, r := range b.refs {
		k := &b.rows[i]
		k.certificate, k.wording, k.parts = r.sum.certificate, r.word.id, parts[start:r.end]
		start = r.end
	}
	return b.rows, useWords(ctx, t, b.refs)
}

// sum returns the sum of a certificate.
func (b *book) sum(certificate string) *attemptSum {
	s := b.sums[certificate]
	if s == nil && !utf8.ValidString(certificate) { // names go to SQLite as JSON
		return b.sum(strings.ToValidUTF8(certificate, "\uFFFD"))
	}
	if s == nil {
		// A copy, because the name may share memory with a whole batch.
		s = &attemptSum{name: strings.Clone(certificate), last: noAttempt}
		b.sums[s.name] = s
		b.newSums = append(b.newSums, s)
	}
	return s
}

// loadSums finds the ids and sums of certificates that are not known yet, and
// stores those that are new.
func (b *book) loadSums(ctx context.Context, t *tx) error {
	if len(b.newSums) == 0 {
		return nil
	}
	names := make([]string, len(b.newSums))
	for i, s := range b.newSums {
		names[i] = s.name
	}
	_, err := all(ctx, t, func(row scanner) (struct{}, error) {
		var name string
		var s attemptSum
		err := row.Scan(&name, &s.certificate, &s.last, &s.time, &s.failures, &s.firstFailed, &s.lastIssued)
		if known := b.sums[name]; known != nil {
			s.name, s.failedBy = known.name, s.time
			*known = s
		}
		return struct{}{}, err
	}, `SELECT c.name, c.id, c.last, c.last_time, c.failures, c.first_failed, c.last_issued
		FROM json_each(?) named CROSS JOIN server s ON s.id = ? CROSS JOIN certificate c ON c.server = s.name AND c.name = named.value`,
		jsonText(names), b.server)
	if err != nil {
		return err
	}
	for _, s := range b.newSums {
		if s.certificate == 0 {
			if s.certificate, _, err = one(ctx, t, single[int64], `INSERT INTO certificate (server, name, last)
				SELECT name, ?2, ?3 FROM server WHERE id = ?1 RETURNING id`, b.server, s.name, noAttempt); err != nil {
				return err
			}
		}
	}
	b.newSums = b.newSums[:0]
	return nil
}

// mostKeys is how many bytes of keys a book has at most, apart from one batch.
const mostKeys = 4 << 20

// word returns the wording of a status and a text, and appends the text's parts to
// b.parts.
func (b *book) word(status, text, certificate string) *word {
	b.key = append(append(b.key[:0], status...), '\n')
	b.key, b.parts = wording.Split(b.key, b.parts, text, certificate)
	w := b.words[string(b.key)]
	if w == nil {
		w = &word{key: string(b.key), status: len(status)}
		b.words[w.key] = w
		b.size += len(w.key)
		b.newWords = append(b.newWords, w)
	}
	return w
}

// loadWords finds the ids of wordings that are not known yet, and stores those that
// are new.
func (b *book) loadWords(ctx context.Context, t *tx) error {
	if len(b.newWords) == 0 {
		return nil
	}
	hashes := make([]int64, len(b.newWords))
	for i, w := range b.newWords {
		hashes[i] = w.hash()
	}
	_, err := all(ctx, t, func(row scanner) (struct{}, error) {
		var id, used int64
		var status, pattern string
		err := row.Scan(&id, &status, &pattern, &used)
		if w := b.words[status+"\n"+pattern]; w != nil {
			w.id, w.used = id, used
		}
		return struct{}{}, err
	}, `SELECT w.id, w.status, w.pattern, w.used FROM json_each(?) h CROSS JOIN wording w ON w.hash = h.value`, jsonText(hashes))
	if err != nil {
		return err
	}
	for i, w := range b.newWords {
		if w.id == 0 {
			w.used = monthAfter(w.newest)
			if w.id, _, err = one(ctx, t, single[int64], `INSERT INTO wording (hash, status, pattern, used) VALUES (?, ?, ?, ?) RETURNING id`,
				hashes[i], w.key[:w.status], w.key[w.status+1:], w.used); err != nil {
				return err
			}
		}
	}
	b.newWords = b.newWords[:0]
	if b.size > mostKeys { // texts that have little in common
		clear(b.words)
		b.size = 0
	}
	return nil
}

func (w *word) hash() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.key)) // never fails
	return int64(h.Sum64())
}

// useWords stores until when wordings are used. That is rounded up by a month, so
// that it changes once a month and not at every use.
func useWords(ctx context.Context, t *tx, refs []reference) error {
	for _, r := range refs {
		w := r.word
		if w.newest <= w.used {
			continue
		}
		w.used = monthAfter(w.newest)
		if _, err := t.exec(ctx, `UPDATE wording SET used = ? WHERE id = ?`, w.used, w.id); err != nil {
			return err
		}
	}
	return nil
}

func monthAfter(at int64) int64 {
	const month = int64(30 * 24 * time.Hour / time.Millisecond)
	return min(at, math.MaxInt64-month) + month
}
