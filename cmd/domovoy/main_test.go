package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"domovoy/cmd/internal/netns"
)

// TestMain lets the test binary act as the program for the scripts, and builds
// the real program for the tests that start and kill it.
func TestMain(m *testing.M) {
	testscript.Main(builder{m}, map[string]func(){"domovoy": main})
}

// realProgram is the name of the built program, on the PATH of the tests.
const realProgram = "domovoy-built"

// builder runs the tests after building the program.
type builder struct{ tests *testing.M }

// Run implements the interface of testscript.Main.
func (b builder) Run() int {
	flag.Parse()
	if testing.Short() || netns.Inside() { // there it is in PATH already
		return b.tests.Run()
	}
	folder, err := os.MkdirTemp("", "domovoy-built-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	args := []string{"build", "-o", filepath.Join(folder, realProgram), "."}
	if raceDetector {
		// SQLite, translated from C, would take ten times as long; see .ci/run.
		args = append([]string{"build", "-race", "-gcflags=modernc.org/...=-race=false"}, args[1:]...)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return b.tests.Run()
}
