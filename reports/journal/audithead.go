package journal

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// auditHead is the end of the audit. It is also kept in a file beside the state, and
// in mind while the program runs: the hashes alone do not show that the last entries
// were cut off. SQLite's own count of the numbers it gave is a third witness. What one
// of them shows is made to last: see nextEntry.
type auditHead struct {
	Entry int64  `json:"entry"` // the number of the last entry; 0: there is none
	Hash  string `json:"hash"`  // in hex
}

// HeadFile is the suffix of the file with the end of the audit.
const HeadFile = ".audit"

// keptHead reads the head that is kept beside the state; zero: there is none.
func (j *Journal) keptHead() (head auditHead, err error) {
	text, err := os.ReadFile(j.path + HeadFile)
	if errors.Is(err, fs.ErrNotExist) {
		return auditHead{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &head)
	}
	if err != nil {
		return auditHead{}, fmt.Errorf("reading the end of the audit: %w", err)
	}
	return head, nil
}

// knownHead is the latest end of the audit that is known: from the file, or from what
// this process wrote or read.
func (j *Journal) knownHead() (auditHead, error) {
	kept, err := j.keptHead()
	j.heads.mu.Lock()
	defer j.heads.mu.Unlock()
	if j.heads.known.Entry > kept.Entry {
		kept = j.heads.known
	}
	return kept, err
}

// auditHeads has the end of the audit in mind.
type auditHeads struct {
	mu    sync.Mutex
	known auditHead
}

func (h *auditHeads) learn(head auditHead) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = head
}

// nextEntry is the number of the next entry; nil: the one after the last. If the end
// of the audit as it is known is not there any more, a number is left out, which shows
// for ever: the new end will be the known one.
func (t *tx) nextEntry(ctx context.Context, last auditRow) (any, error) {
	known, _ := t.known() // a file that cannot be read is told by VerifyAudit
	if known.Entry == 0 {
		return nil, nil
	}
	hash, ok, err := one(ctx, t, single[[]byte], `SELECT hash FROM audit WHERE id = ?`, known.Entry)
	if err != nil || ok && hex.EncodeToString(hash) == known.Hash {
		return nil, err
	}
	return max(last.id, known.Entry) + 2, nil
}

// keepHead writes the head, whole or not at all. Another process may have
// written a later one, which stays.
func (j *Journal) keepHead(head auditHead) error {
	if kept, err := j.keptHead(); err == nil && kept.Entry > head.Entry {
		return nil
	}
	return j.writeHead(head)
}

func (j *Journal) writeHead(head auditHead) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(j.path), filepath.Base(j.path)+HeadFile+".*") // readable by its owner only
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = renamed(f.Name(), j.path+HeadFile)
	}
	if err != nil {
		err = errors.Join(err, removeAll(f.Name()))
	}
	return err
}

// Begin is the command of the audit's first entry where a state begins again
// though there was one before.
const Begin = "begin"

// begin continues the audit of a state that is gone: its end, which is kept
// beside the state, becomes the first entry of the new one. It returns how many
// entries are gone; 0: the state is no new one, or the first.
func (j *Journal) begin(ctx context.Context) (lost int64, err error) {
	head, err := j.keptHead()
	if err != nil || head.Entry == 0 {
		return 0, err
	}
	var fresh auditHead
	err = j.change(ctx, "beginning the audit", func(t *tx) error {
		_, any, err := one(ctx, t, single[int64], `SELECT id FROM audit LIMIT 1`)
		if err != nil || any {
			return err
		}
		t.known = func() (auditHead, error) { return auditHead{}, nil } // it is of the state that is gone
		entry := AuditEntry{At: time.Now(), Person: "local:domovoy", Name: "domovoy", Command: Begin,
			Args: fmt.Sprintf("entries=%d head=%s", head.Entry, head.Hash), Result: "ok"}
		err = t.audit(ctx, entry)
		fresh, t.audited = t.audited, auditHead{}
		return err
	})
	if err != nil || fresh.Entry == 0 {
		return 0, err
	}
	j.heads.learn(fresh)
	return head.Entry, j.writeHead(fresh)
}

// continueAudit begins the audit of a new state, and has the end of an older one in
// mind; a file with it that is gone is written again.
func (j *Journal) continueAudit(ctx context.Context) (err error) {
	if j.lost, err = j.begin(ctx); err != nil {
		return err
	}
	kept, err := j.keptHead()
	if err != nil {
		return nil //nolint:nilerr // VerifyAudit says it
	}
	if kept.Entry > 0 {
		j.heads.learn(kept)
		return nil
	}
	var last auditRow
	err = j.view(ctx, "reading the end of the audit", func(t *tx) (err error) { last, err = t.lastEntry(ctx); return err })
	if err != nil || last.id == 0 {
		return err
	}
	head := auditHead{Entry: last.id, Hash: hex.EncodeToString(last.hash)}
	j.heads.learn(head)
	return j.keepHead(head)
}

// Lost is how many entries of the audit are gone with a state file that was
// there before this one, which Open began; 0: none.
func (j *Journal) Lost() int64 { return j.lost }

// noteHead keeps the fault of a head that could not be written. The entry itself
// is stored.
func (j *Journal) noteHead(err error) {
	if err == nil {
		return
	}
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	j.faults.last = &Fault{Reason: FaultIO, Path: j.path + HeadFile, Err: err}
}

// CutChain is the error of VerifyAudit when entries were removed at the end.
type CutChain struct {
	Kept int64 // the number of the last entry that there was
	Last int64 // the last entry that is left of those before
	Next int64 // the entry that was made after the cut; 0: there is none yet
}

// Error returns a text for logs.
func (e *CutChain) Error() string {
	if e.Next > 0 {
		return fmt.Sprintf("the entries between %d and %d were removed", e.Last, e.Next)
	}
	return fmt.Sprintf("the last entry is %d, and there was one with the number %d", e.Last, e.Kept)
}

// notCut compares the end of the audit with the known one, and with SQLite's count of
// the numbers it gave.
func (t *tx) notCut(ctx context.Context, kept auditHead, last int64) error {
	given, _, err := one(ctx, t, single[int64], `SELECT seq FROM sqlite_sequence WHERE name = 'audit'`)
	if err != nil {
		return err
	}
	if given > max(last, kept.Entry) {
		return &CutChain{Kept: given, Last: last}
	}
	if kept.Entry == 0 {
		return nil
	}
	hash, ok, err := one(ctx, t, single[[]byte], `SELECT hash FROM audit WHERE id = ?`, kept.Entry)
	if err != nil {
		return err
	}
	if !ok || hex.EncodeToString(hash) != kept.Hash {
		return &CutChain{Kept: kept.Entry, Last: last}
	}
	return nil
}

// AuditCut reports whether the audit ends before its end as it is known, which costs
// little to find out. An error means that it could not be looked at.
func (j *Journal) AuditCut(ctx context.Context) (bool, error) {
	kept, err := j.knownHead()
	if err != nil {
		return false, err
	}
	err = j.view(ctx, "looking at the end of the audit", func(t *tx) error {
		last, err := t.lastEntry(ctx)
		if err != nil {
			return err
		}
		return t.notCut(ctx, kept, last.id)
	})
	if _, cut := errors.AsType[*CutChain](err); cut {
		return true, nil
	}
	return false, err
}
