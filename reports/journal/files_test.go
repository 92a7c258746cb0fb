package journal_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// A file that goes to many chats is stored once, is read when it is sent, and is gone
// when the last of them has it.
func TestFilesAreStoredOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := reopen(t, path)
	data := strings.Repeat("site.example;failed\n", 2000)
	file := reports.File{Name: "trouble.csv", Type: "text/csv", Data: []byte(data)}
	var all []journal.Delivery
	for _, to := range []string{"telegram:1", "telegram:2", "telegram:3"} {
		d := say(to, "Title")
		d.Message.Files = []reports.File{file, {Name: "empty", Type: "text/plain"}}
		all = append(all, d)
	}
	enqueue(t, j, all...)
	if n := stored(t, path, `SELECT count(*) FROM file WHERE length(data) > 0`); n != 1 {
		t.Errorf("one file is stored %d times", n)
	}
	bare := got(j.Due(t.Context(), noon(), journal.Queue{Bare: true}, 100))(t)
	for i, whole := range got(j.Due(t.Context(), noon(), journal.Queue{}, 100))(t) {
		if f := whole.Message.Files; len(f) != 2 || string(f[0].Data) != data || f[0].Name != file.Name || len(f[1].Data) != 0 {
			t.Errorf("%s has other files than it had", whole.To)
		}
		if f := bare[i].Message.Files; len(f) != 2 || f[0].Data != nil || f[0].Name != file.Name {
			t.Errorf("%s has its files at once", whole.To)
		}
		if diff := cmp.Diff(whole.Message.Files, got(j.Files(t.Context(), bare[i]))(t)); diff != "" {
			t.Errorf("%s: %s", whole.To, diff)
		}
		must(t, j.MarkSent(t.Context(), whole.ID, "m", noon()))
		left := got(j.Files(t.Context(), bare[i]))(t)
		if len(left) != 2 || left[0].Data != nil {
			t.Errorf("%s is sent, and its file is kept", whole.To)
		}
	}
	if n := stored(t, path, `SELECT count(*) FROM file`); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// A message that an earlier version stored has its file in itself.
func TestFilesOfAnEarlierVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := reopen(t, path)
	enqueue(t, j, say("telegram:1", "Title"))
	stored(t, path, `UPDATE delivery SET message = json_set(message, '$.files', json('[{"name":"a.csv","type":"text/csv","data":"YTti"}]')) RETURNING id`)
	due := got(j.Due(t.Context(), noon(), journal.Queue{Bare: true}, 100))(t)
	if len(due) != 1 {
		t.Fatalf("due are %+v", due)
	}
	if f := got(j.Files(t.Context(), due[0]))(t); len(f) != 1 || string(f[0].Data) != "a;b" {
		t.Errorf("the files are %+v", f)
	}
}

// stored is what a query of the state's file gives.
func stored(t *testing.T, path, query string) (n int) {
	t.Helper()
	db := got(sql.Open("sqlite", "file:"+path))(t)
	defer db.Close()
	must(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}
