package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// steps are migrations of a program that has as many as there are scripts.
func steps(scripts ...string) fs.FS {
	files := fstest.MapFS{}
	for i, script := range scripts {
		files[fmt.Sprintf("migrations/%04d.sql", i+1)] = &fstest.MapFile{Data: []byte(script)}
	}
	return files
}

const (
	first  = `CREATE TABLE note (text TEXT NOT NULL) STRICT; INSERT INTO note VALUES ('kept');`
	second = `ALTER TABLE note ADD COLUMN done INTEGER NOT NULL DEFAULT 7;`
	broken = `ALTER TABLE note ADD COLUMN done INTEGER; CREATE TABLE note (text TEXT);`
)

// ask reads one value from a file, and its version.
func ask(t *testing.T, path, query string) (value string, version int) {
	t.Helper()
	j, err := pools(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.read.db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	if version, err = j.version(t.Context()); err != nil {
		t.Fatal(err)
	}
	return value, version
}

func openAt(t *testing.T, path string, steps fs.FS) error {
	t.Helper()
	j, err := open(t.Context(), path, steps)
	if err != nil {
		return err
	}
	return j.Close()
}

func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	if err := openAt(t, path, steps(first)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".v0000"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new file was copied")
	}
	for range 2 { // the second time there is nothing to do
		if err := openAt(t, path, steps(first, second)); err != nil {
			t.Fatal(err)
		}
	}
	if value, version := ask(t, path, `SELECT text || done FROM note`); value != "kept7" || version != 2 {
		t.Errorf("got %s, version %d", value, version)
	}
	copied := path + ".v0001"
	if value, version := ask(t, copied, `SELECT text FROM note`); value != "kept" || version != 1 {
		t.Errorf("the copy: got %s, version %d", value, version)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: mode %v, %v", info.Mode(), err)
	}
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	if err := openAt(t, path, steps(first)); err != nil {
		t.Fatal(err)
	}
	err := openAt(t, path, steps(first, broken))
	if err == nil || !strings.Contains(err.Error(), "migration 0002") {
		t.Fatalf("got %v", err)
	}
	if value, version := ask(t, path, `SELECT count(*) FROM pragma_table_info('note')`); value != "1" || version != 1 {
		t.Errorf("got %s columns, version %d", value, version)
	}
	// The next try replaces the copy that this one left.
	if err := openAt(t, path, steps(first, second)); err != nil {
		t.Fatal(err)
	}
}

func TestMigrationsAreNumberedWithoutAGap(t *testing.T) {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for i, f := range files {
		if want := fmt.Sprintf("%04d.sql", i+1); f.Name() != want {
			t.Errorf("got %s, want %s", f.Name(), want)
		}
	}
}
