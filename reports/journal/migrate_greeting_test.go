package journal

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOldStateFilesKnowWhoWasGreeted opens a file from before greetings were kept: a
// chat that got anything unasked knows the panels.
func TestOldStateFilesKnowWhoWasGreeted(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "j.db")
	old, err := open(ctx, path, before(t, "0017.sql"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = old.write.db.ExecContext(ctx, `INSERT INTO watch (server, since) VALUES ('isp1', 1), ('isp1/names', 1);
		INSERT INTO chat (address, moved_to) VALUES ('c:4', 'c:1');
		INSERT INTO delivery (chat, kind, rank, message, reply_to, state, next, due, created) VALUES ('c:1', 'daily', 6, '{}', '', 'sent', 1, 1, 1),
			('c:2', 'answer', 4, '{}', '', 'sent', 1, 1, 1), ('c:3', 'baseline', 6, '{}', '', 'dropped', 1, 1, 1)`)
	if err != nil {
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
	told, err := j.Greeted(ctx, time.Now())
	if d := cmp.Diff(map[Greeting]bool{{"c:1", "isp1"}: true, {"c:4", "isp1"}: true}, told); d != "" || err != nil {
		t.Errorf("told (-want +got), %v:\n%s", err, d)
	}
}
