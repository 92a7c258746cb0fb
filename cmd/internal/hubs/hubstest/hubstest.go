// Package hubstest has what tests of a hub that runs as a program need.
package hubstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Install builds the hub's program into a folder of PATH.
func Install(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(folder, "domovoy-hub"), "domovoy/cmd/domovoy-hub").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return folder
}
