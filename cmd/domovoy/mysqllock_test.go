package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/bot/commands"
	"domovoy/checks"
	"domovoy/checks/lab"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
)

// A lock on the panel's tables that is held for two minutes, in real time, while the
// program reads once a second: one open problem and one line in the log, nothing
// is left waiting in the server, nothing else is told, and the reading after the
// lock is whole. It takes two minutes, so that .ci/run has it beside other tests.
func TestALockOfTwoMinutes(t *testing.T) {
	if os.Getenv("LONG") == "" {
		t.Skip("LONG: two minutes; LONG=yes runs it")
	}
	const held = 2 * time.Minute
	server := mariaDB(t)
	panel, err := lab.NewPanelIn(server, "faulty")
	if err := errors.Join(err, fillOften(panel, time.Now(), 40)); err != nil {
		t.Fatal(err)
	}
	defer panel.Close()
	file := atServer(t, server, "faulty", "UTC")
	cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	var log strings.Builder
	a, err := app.Open(t.Context(), cfg, bundled(t), slog.New(slog.NewTextHandler(&log, nil)), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	problems := func() []commands.ProblemData {
		t.Helper()
		reply, err := a.Ask(t.Context(), app.Local{User: "ann"}, "ack", func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		return reply.Data.(commands.ProblemsData).Problems
	}
	read := func() {
		t.Helper()
		if err := a.Observe(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	read()
	before := len(problems())
	unlock, err := tablesLocked(t, server)
	if err != nil {
		t.Fatal(err)
	}
	readings, slowest := 0, time.Duration(0)
	for begun := time.Now(); time.Since(begun) < held; {
		at := time.Now()
		read()
		readings, slowest = readings+1, max(slowest, time.Since(at))
		if n := waiting(t, server); n > 0 {
			t.Errorf("reading %d leaves %d statements waiting in the server", readings, n)
		}
		time.Sleep(time.Until(at.Add(time.Second)))
	}
	open := problems()
	told := 0
	for _, p := range open {
		if p.Code == checks.PanelUnavailable {
			told++
		}
	}
	if told != 1 || len(open) != before+1 {
		t.Errorf("%d problems before, %d during the lock, %d that the panel cannot be read", before, len(open), told)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a problem ends after two readings
		read()
	}
	if after := problems(); len(after) != before {
		t.Errorf("%d problems before, %d afterwards: %+v", before, len(after), after)
	}
	if n := strings.Count(log.String(), "cannot read the panel"); n != 1 {
		t.Errorf("the log tells it %d times: %s", n, log.String())
	}
	if readings < 50 || slowest > 10*time.Second {
		t.Errorf("%d readings in %s, the slowest took %s", readings, held, slowest)
	}
	t.Logf("%d readings in %s, the slowest took %s", readings, held, slowest)
}

// waiting counts the statements of the reader that the server has been at for longer
// than it may wait for a lock.
func waiting(t *testing.T, server *lab.MariaDB) (n int) {
	t.Helper()
	db := server.Open("")
	defer db.Close()
	if err := db.QueryRowContext(context.Background(), "SELECT count(1) FROM information_schema.processlist WHERE user = ? AND command = 'Query' AND time >= 3", lab.Reader().Name).Scan(&n); err != nil {
		t.Fatal(fmt.Errorf("looking at %s: %w", filepath.Base(server.Folder()), err))
	}
	return n
}
