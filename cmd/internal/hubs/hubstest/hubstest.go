// Package hubstest has what tests of a hub that runs as a program need.
package hubstest

import (
	"net"
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

// Address is free on loopback.
func Address(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
