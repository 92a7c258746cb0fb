package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// AuditEntry records an action that a person took or attempted.
type AuditEntry struct {
	At      time.Time
	Person  string // immutable id, such as telegram:123456789
	Name    string // as it was shown at the time
	Role    string
	Chat    string
	Command string
	Args    string // words separated by one space, site names as A-labels (RFC 5890)
	Result  string
}

// Audit appends an entry. Entries are never changed or removed, and each is stored
// with a hash over itself and the hash of the one before it.
func (j *Journal) Audit(ctx context.Context, e AuditEntry) error {
	return j.change(ctx, "keeping an audit entry", func(t *tx) error { return t.audit(ctx, e) })
}

func (t *tx) audit(ctx context.Context, e AuditEntry) error {
	last, err := t.lastEntry(ctx)
	if err != nil {
		return err
	}
	number, err := t.nextEntry(ctx, last)
	if err != nil {
		return err
	}
	hash := e.hash(last.hash)
	t.audited.Hash = hex.EncodeToString(hash)
	t.audited.Entry, _, err = one(ctx, t, single[int64], `INSERT INTO audit (id, at, person, name, role, chat, command, args, result, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, number, millis(e.At), e.Person, e.Name, e.Role, e.Chat, e.Command, e.Args, e.Result, hash)
	if err != nil {
		return err
	}
	for word := range strings.FieldsSeq(e.Args) {
		if !strings.Contains(word, ".") || len(word) > longestName {
			continue
		}
		if _, err := t.exec(ctx, `INSERT INTO audit_name (word, entry) VALUES (?, ?) ON CONFLICT DO NOTHING`, word, t.audited.Entry); err != nil {
			return err
		}
	}
	return nil
}

// longestName is the length of the longest domain name in bytes (RFC 1035, section
// 2.3.4, as text).
const longestName = 253

// lastEntry is the last entry of the audit, with its number and hash; zero: there is
// none.
func (t *tx) lastEntry(ctx context.Context) (auditRow, error) {
	scan := func(s scanner) (r auditRow, err error) { return r, s.Scan(&r.id, &r.hash) }
	last, _, err := one(ctx, t, scan, `SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1`)
	return last, err
}

// hash returns the hash that chains an entry to the previous one, whose hash is nil
// for the first entry. Different entries always have different JSON lists.
func (e AuditEntry) hash(previous []byte) []byte {
	row, _ := json.Marshal([]any{millis(e.At), e.Person, e.Name, e.Role, e.Chat, e.Command, e.Args, e.Result}) // plain values always marshal
	sum := sha256.Sum256(append(bytes.Clone(previous), row...))
	return sum[:]
}

// auditRow is a stored entry.
type auditRow struct {
	id    int64
	entry AuditEntry
	hash  []byte
}

const auditColumns = `id, at, person, name, role, chat, command, args, result, hash`

func scanAudit(s scanner) (r auditRow, err error) {
	e := &r.entry
	err = s.Scan(&r.id, stamp{&e.At}, &e.Person, &e.Name, &e.Role, &e.Chat, &e.Command, &e.Args, &e.Result, &r.hash)
	return r, err
}

// AuditOf lists at most limit entries whose arguments name a site, newest first; of
// all entries when site is empty.
func (j *Journal) AuditOf(ctx context.Context, site string, limit int) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := j.view(ctx, "reading the audit", func(t *tx) error {
		query, args := `SELECT `+auditColumns+` FROM audit ORDER BY id DESC LIMIT 0 + ?`, []any{limit}
		if site != "" {
			query, args = `SELECT `+auditColumns+` FROM audit_name JOIN audit ON audit.id = audit_name.entry
				WHERE word = ? ORDER BY entry DESC LIMIT 0 + ?`, []any{site, limit}
		}
		rows, err := all(ctx, t, scanAudit, query, args...)
		for _, r := range rows {
			entries = append(entries, r.entry)
		}
		return err
	})
	return entries, err
}

// BrokenChain is the error of VerifyAudit when entries were changed or removed.
type BrokenChain struct {
	Entry int64 // the ID of the first entry whose hash is wrong
}

// Error returns a text for logs.
func (e *BrokenChain) Error() string {
	return fmt.Sprintf("entry %d was changed, or one before it was removed", e.Entry)
}

// VerifyAudit recomputes the hashes of all entries and returns their number. head is
// the last hash in hex, to be noted down elsewhere. The error wraps a *BrokenChain
// when a hash is wrong, and a *CutChain when the audit ends, or once ended, before its
// end as it was known.
func (j *Journal) VerifyAudit(ctx context.Context) (entries int, head string, err error) {
	kept, err := j.knownHead() // first: another process may append an entry meanwhile
	if err != nil {
		return 0, "", err
	}
	var previous []byte
	var last int64
	var gap *CutChain
	check := func(s scanner) (struct{}, error) {
		r, err := scanAudit(s)
		if err != nil {
			return struct{}{}, err
		}
		if want := r.entry.hash(previous); !bytes.Equal(want, r.hash) {
			return struct{}{}, &BrokenChain{Entry: r.id}
		}
		if r.id != last+1 && gap == nil { // the numbers of entries that are rolled back are used again
			gap = &CutChain{Kept: r.id - 1, Last: last, Next: r.id}
		}
		entries, previous, last = entries+1, r.hash, r.id
		return struct{}{}, nil
	}
	err = j.view(ctx, "verifying the audit", func(t *tx) error {
		if _, err := all(ctx, t, check, `SELECT `+auditColumns+` FROM audit ORDER BY id`); err != nil {
			return err
		}
		if gap != nil {
			return gap
		}
		return t.notCut(ctx, kept, last)
	})
	return entries, hex.EncodeToString(previous), err
}

// Names returns the names by which some people were last shown, by their immutable ids,
// as far as they did or said something.
func (j *Journal) Names(ctx context.Context, people []string) (map[string]string, error) {
	names := map[string]string{}
	err := j.view(ctx, "reading people's names", func(t *tx) error {
		_, err := all(ctx, t, func(s scanner) (struct{}, error) {
			var person, name string
			err := s.Scan(&person, &name)
			if name != "" {
				names[person] = name
			}
			return struct{}{}, err
		}, `SELECT value, coalesce((SELECT name FROM inbox WHERE person = value AND name <> '' ORDER BY id DESC LIMIT 1),
			(SELECT name FROM audit WHERE person = value AND name <> '' ORDER BY id DESC LIMIT 1), '') FROM json_each(?)`, list(people))
		return err
	})
	return names, err
}
