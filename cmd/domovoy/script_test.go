package main

import (
	"context"
	"errors"
	"flag"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"domovoy/checks"
	"domovoy/checks/lab"
	"domovoy/reports/journal"
)

var update = flag.Bool("update", false, "write what the program says into the scripts")

// TestScripts plays the manual of the program: each file of testdata/script
// is a script in the language of testscript with three commands more:
//
//	exits N COMMAND…      runs a command that ends with that status
//	panel DATABASE SQL…   makes a panel's database and fills it from files; its 'now' is that of this process
//	readings STATE N…     remembers how many certificates were being issued, one reading an hour up to now
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "panel": panel, "readings": readings},
	})
}

// exits distinguishes a refusal from wrong usage, which testscript's own exec
// does not.
func exits(s *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	s.Check(err)
	status := 0
	var failed *exec.ExitError
	switch err := s.Exec(args[1], args[2:]...); {
	case errors.As(err, &failed):
		status = failed.ExitCode()
	case err != nil:
		s.Check(err)
	}
	if status != want {
		s.Fatalf("exit status %d, want %d\nstdout:\n%sstderr:\n%s", status, want, s.ReadFile("stdout"), s.ReadFile("stderr"))
	}
}

// atNow replaces now in SQL by this process's time, which may be another day
// than SQLite's.
func atNow(sql string) string {
	return strings.ReplaceAll(sql, "'now'", time.Now().UTC().Format("'"+time.DateTime+"'"))
}

// panel creates a panel's database whose dates are in UTC.
func panel(s *testscript.TestScript, _ bool, args []string) {
	p, err := lab.NewPanel(s.MkAbs(args[0]), lab.WithZone(time.UTC))
	s.Check(err)
	for _, file := range args[1:] {
		s.Check(p.Exec(atNow(s.ReadFile(file))))
	}
	s.Check(p.Close())
}

// readings adds past counts to the state, as the watch would have stored them.
func readings(s *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	j, err := journal.Open(ctx, s.MkAbs(args[0]))
	s.Check(err)
	now := time.Now()
	for i, word := range args[1:] {
		n, err := strconv.Atoi(word)
		s.Check(err)
		at := now.Add(-time.Duration(len(args)-1-i) * time.Hour)
		s.Check(j.Record(ctx, journal.Entry{At: at, Metrics: []checks.Metric{{Server: "isp1", Code: checks.PanelProcessing, Value: n}}}))
	}
	s.Check(j.Close())
}
