package ispmanager_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// survives reads a file of any content: the result must be rows or an *Error.
func survives(t *testing.T, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ispmgr.db")
	must(t, os.WriteFile(path, content, 0o644))
	r := reader(t, path, time.UTC)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 2 {
		_, _, pollErr := r.Poll(ctx)
		rows := 0
		logErr := r.Attempts(ctx, 0, func(batch []checks.Attempt) error { rows += len(batch); return nil })
		if rows > 10_000 {
			t.Errorf("%d attempts of a small file", rows)
		}
		for _, err := range []error{pollErr, logErr} {
			var failure *ispmanager.Error
			if err != nil && !errors.As(err, &failure) {
				t.Errorf("%v (%T)", err, err)
			}
		}
	}
}

func smallDatabase(t testing.TB) []byte {
	t.Helper()
	panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "ispmgr.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer panel.Close()
	for _, statement := range []string{
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 60) INSERT INTO webdomain(name, users, active) SELECT 'n' || i || '.example', 1, 'on' FROM n",
		"INSERT INTO letsencrypt_ssl(certname, time_started) SELECT name || '_le1', '2026-11-21 12:00:00' FROM webdomain",
		"INSERT INTO letsencrypt_log(certname, status, date, message) SELECT certname, 'failed', time_started, hex(zeroblob(300)) FROM letsencrypt_ssl",
	} {
		if err := panel.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(panel.Path())
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// damaged flips bytes, most of them in the headers of pages.
func damaged(content []byte, seed uint64, flips int) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	content = append([]byte(nil), content...)
	for range flips {
		at := rng.IntN(len(content))
		if rng.IntN(2) == 0 {
			at = at/4096*4096 + rng.IntN(120) // the header of a page
		}
		content[at] ^= byte(1 + rng.IntN(255))
	}
	return content
}

func TestADamagedDatabaseHarmsNobody(t *testing.T) {
	content := smallDatabase(t)
	for seed := range uint64(60) {
		survives(t, damaged(content, seed, 1+int(seed)%12))
	}
	for _, size := range []int{1, 15, 16, 99, 100, 512, 4095, 4096, 4097, 9000, len(content) - 1} {
		survives(t, content[:size])
	}
}

func FuzzDamage(f *testing.F) {
	content := smallDatabase(f)
	f.Add(uint64(1), uint8(1), uint16(0))
	f.Add(uint64(2), uint8(40), uint16(5000))
	f.Fuzz(func(t *testing.T, seed uint64, flips uint8, cut uint16) {
		survives(t, damaged(content[:len(content)-int(cut)%len(content)], seed, int(flips)))
	})
}
