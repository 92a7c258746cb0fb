package journal

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// before is the migrations of the program before one of them.
func before(t *testing.T, name string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() >= name {
			continue
		}
		text, err := fs.ReadFile(migrations, "migrations/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files["migrations/"+e.Name()] = &fstest.MapFile{Data: text}
	}
	return files
}

// TestOldStateFilesGetProblems opens a file of the version before problems: what
// was told and is open has its problem without being told again, and its
// messages belong to it. The baseline of sites belongs to none.
func TestOldStateFilesGetProblems(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "j.db")
	old, err := open(ctx, path, before(t, "0011.sql"))
	if err != nil {
		t.Fatal(err)
	}
	insert := func(key, site, code string, told, baseline, resolved int) {
		if _, err := old.write.db.ExecContext(ctx, `INSERT INTO incident (key, server, site, finding, peak, worst, told, told_peak, clear, opened, seen, told_at, resolved, baseline)
			VALUES (?, 'isp1', ?, json_object('Check', 'c', 'Server', 'isp1', 'Site', ?, 'Code', ?, 'Severity', 'critical'), 61, 3, ?, 60, 0, 1000, 1000, 2000, ?, ?)`,
			key, site, site, code, told, resolved, baseline); err != nil {
			t.Fatal(err)
		}
	}
	critical := int(checks.Critical)
	insert("isp1///panel.failed", "", "panel.failed", critical, 0, 0)
	insert("isp1/a.example//cert.expired", "a.example", "cert.expired", critical, 0, 0)
	insert("isp1/b.example//cert.expired", "b.example", "cert.expired", critical, 0, 0)
	insert("isp1/known.example//cert.expired", "known.example", "cert.expired", critical, 1, 0)
	insert("isp1/quiet.example//ca.dns", "quiet.example", "ca.dns", 0, 0, 0)
	insert("isp1///panel.stale", "", "panel.stale", critical, 0, 5000)
	if _, err := old.write.db.ExecContext(ctx, `INSERT INTO delivery (chat, kind, incident, reply_to, message, state, next, created) VALUES ('c:1', 'opened', 1, '', '{"title":"t"}', 'sent', 0, 2000)`); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	state, err := j.Standing(ctx, time.UnixMilli(9000))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, pr := range state.Problems {
		if pr.Told.At.UnixMilli() != 2000 || pr.Told.Severity != checks.Critical || pr.Told.Value == 0 || pr.Worst != checks.Critical {
			t.Errorf("%s would be told again: %+v", pr.Key, pr)
		}
		got[pr.Key] = members(ctx, t, j, pr.ID)
	}
	want := map[string][]string{"isp1///panel.failed": {"isp1///panel.failed"},
		"isp1/*//cert.expired": {"isp1/a.example//cert.expired", "isp1/b.example//cert.expired"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if sent, err := j.SentFor(ctx, state.Problems[0].ID); err != nil || len(sent) != 1 || sent[0].Message.Title != "t" {
		t.Errorf("its messages: %v, %v", sent, err)
	}
}

func members(ctx context.Context, t *testing.T, j *Journal, problem int64) []string {
	t.Helper()
	incidents, err := j.IncidentsOfProblem(ctx, problem)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, i := range incidents {
		keys = append(keys, i.Finding.Key())
	}
	slices.Sort(keys)
	return keys
}
