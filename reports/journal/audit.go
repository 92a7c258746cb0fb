package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// AuditEntry is what a person did, or tried to do.
type AuditEntry struct {
	At      time.Time
	Person  string // immutable id
	Name    string // as shown then
	Role    string
	Chat    string
	Command string
	Args    string // words apart by one blank, site names in A-label form
	Result  string
}

// Audit appends an entry. Entries are never changed nor removed, and each
// carries the hash of all before it.
func (j *Journal) Audit(ctx context.Context, e AuditEntry) error {
	return j.change(ctx, "keeping an audit entry", func(t *tx) error { return t.audit(ctx, e) })
}

func (t *tx) audit(ctx context.Context, e AuditEntry) error {
	previous, _, err := one(ctx, t, single[[]byte], `SELECT hash FROM audit ORDER BY id DESC LIMIT 1`)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO audit (at, person, name, role, chat, command, args, result, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, millis(e.At), e.Person, e.Name, e.Role, e.Chat, e.Command, e.Args, e.Result, e.hash(previous))
	return err
}

// hash chains an entry to the one before, whose hash is nil for the first.
// A JSON list is canonical: no two entries give the same one.
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

// AuditOf lists the newest entries whose arguments name a site, newest first;
// an empty site lists all.
func (j *Journal) AuditOf(ctx context.Context, site string, limit int) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := j.look(ctx, "reading the audit", func(t *tx) error {
		rows, err := all(ctx, t, scanAudit, `SELECT `+auditColumns+` FROM audit
			WHERE ?1 = '' OR instr(' ' || args || ' ', ' ' || ?1 || ' ') > 0 ORDER BY id DESC LIMIT ?2`, site, limit)
		for _, r := range rows {
			entries = append(entries, r.entry)
		}
		return err
	})
	return entries, err
}

// BrokenChain says that the audit was tampered with.
type BrokenChain struct {
	Entry int64 // the first whose hash does not fit
}

// Error is for logs.
func (e *BrokenChain) Error() string {
	return fmt.Sprintf("entry %d was changed, or one before it was removed", e.Entry)
}

// VerifyAudit recomputes the chain. The head is the last hash: noted down
// elsewhere, it also proves that no entry was cut off at the end. The error is
// *BrokenChain where the audit was read and does not fit.
func (j *Journal) VerifyAudit(ctx context.Context) (entries int, head string, err error) {
	var previous []byte
	check := func(s scanner) (struct{}, error) {
		r, err := scanAudit(s)
		if err != nil {
			return struct{}{}, err
		}
		if want := r.entry.hash(previous); !bytes.Equal(want, r.hash) {
			return struct{}{}, &BrokenChain{Entry: r.id}
		}
		entries, previous = entries+1, r.hash
		return struct{}{}, nil
	}
	err = j.look(ctx, "verifying the audit", func(t *tx) error {
		_, err := all(ctx, t, check, `SELECT `+auditColumns+` FROM audit ORDER BY id`)
		return err
	})
	return entries, hex.EncodeToString(previous), err
}
