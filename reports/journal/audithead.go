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
	"time"
)

// auditHead is the end of the audit, which is also kept in a file beside the
// state: the hashes alone do not show that the last entries were cut off.
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
		entry := AuditEntry{At: time.Now(), Person: "local:domovoy", Name: "domovoy", Command: Begin,
			Args: fmt.Sprintf("entries=%d head=%s", head.Entry, head.Hash), Result: "ok"}
		err = t.audit(ctx, entry)
		fresh, t.audited = t.audited, auditHead{}
		return err
	})
	if err != nil || fresh.Entry == 0 {
		return 0, err
	}
	return head.Entry, j.writeHead(fresh)
}

func (j *Journal) continueAudit(ctx context.Context) (err error) {
	j.lost, err = j.begin(ctx)
	return err
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
	Kept int64 // the number of the last entry, as it is kept beside the state
	Last int64 // the last entry that there is
}

// Error returns a text for logs.
func (e *CutChain) Error() string {
	return fmt.Sprintf("the last entry is %d, and there was one with the number %d", e.Last, e.Kept)
}

// notCut compares the end of the audit with the one that is kept beside the state.
func (t *tx) notCut(ctx context.Context, kept auditHead, last int64) error {
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
