package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The end of the audit is kept beside the state, in mind while the program runs, and
// by SQLite's count: who cuts entries off is noticed by any of them, also after more
// entries, and after a restart.
func TestACutAuditIsNoticed(t *testing.T) {
	const unlock = `DROP TRIGGER audit_fixed; DROP TRIGGER audit_kept;`
	const last, all, uncounted = unlock + `DELETE FROM audit WHERE id > 2;`, unlock + `DELETE FROM audit;`, `DELETE FROM sqlite_sequence;`
	unkept := func(path string) error { return os.Remove(path + HeadFile) }
	older := func(path string) error { return os.WriteFile(path+HeadFile, []byte(`{"entry":1,"hash":"00"}`), 0o600) }
	kept := func(string) error { return nil }
	for name, c := range map[string]struct {
		tamper  string
		beside  func(path string) error
		running bool // noticed by the process that runs
		later   bool // noticed by one that starts later
	}{
		"nothing":                          {"SELECT 1", kept, false, false},
		"the file beside it":               {"SELECT 1", unkept, false, false},
		"the last":                         {last, kept, true, true},
		"all":                              {all, kept, true, true},
		"the last and the file":            {last, unkept, true, true},
		"all and the file":                 {all, unkept, true, true},
		"the last and the count":           {last + uncounted, kept, true, true},
		"all and the count":                {all + uncounted, kept, true, false},    // it counts as a new state, which is told
		"the last, the count and the file": {last + uncounted, unkept, true, false}, // the log has the last word
		"the last, and an older file":      {last, older, true, true},
	} {
		for _, more := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", then more entries"}[more], func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "j.db")
				j := openedAt(t, path)
				for range 4 {
					act(t, j, "x")
				}
				if _, err := j.write.db.ExecContext(t.Context(), c.tamper); err != nil {
					t.Fatal(err)
				}
				if err := c.beside(path); err != nil {
					t.Fatal(err)
				}
				if more {
					act(t, j, "y")
					act(t, j, "y")
				}
				if _, _, err := j.VerifyAudit(t.Context()); isCut(err) != c.running {
					t.Errorf("running: %v", err)
				}
				if more && c.running { // what was noticed shows for ever
					c.later = true
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = openedAt(t, path)
				if _, _, err := j.VerifyAudit(t.Context()); isCut(err) != c.later || (j.Lost() == 4) != (name == "all and the count" && !more || name == "all" && !more) {
					t.Errorf("later: %v, lost %d", err, j.Lost())
				}
			})
		}
	}
}

func isCut(err error) bool {
	_, cut := errors.AsType[*CutChain](err)
	return cut
}

// What is left of a cut audit is named, before and after more entries.
func TestWhatIsLeftOfACutAudit(t *testing.T) {
	for name, c := range map[string]struct {
		tamper string
		want   CutChain
		after  CutChain
	}{
		"the last":     {`DELETE FROM audit WHERE id = 3`, CutChain{Kept: 3, Last: 2}, CutChain{Kept: 4, Last: 2, Next: 5}},
		"the last two": {`DELETE FROM audit WHERE id > 1`, CutChain{Kept: 3, Last: 1}, CutChain{Kept: 4, Last: 1, Next: 5}},
		"all":          {`DELETE FROM audit`, CutChain{Kept: 3}, CutChain{Kept: 4, Next: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			j := openedAt(t, filepath.Join(t.TempDir(), "j.db"))
			for range 3 {
				act(t, j, "x")
			}
			if _, err := j.write.db.ExecContext(t.Context(), `DROP TRIGGER audit_fixed; DROP TRIGGER audit_kept;`+c.tamper); err != nil {
				t.Fatal(err)
			}
			for _, want := range []CutChain{c.want, c.after} {
				_, _, err := j.VerifyAudit(t.Context())
				if cut, ok := errors.AsType[*CutChain](err); !ok || *cut != want {
					t.Errorf("got %v, want %+v", err, want)
				}
				act(t, j, "y")
			}
		})
	}
}
