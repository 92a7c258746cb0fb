package ispmanager_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The driver is a translation of SQLite that was tested with one version of its
// C library; with another one it may corrupt memory.
func TestTheDriverRunsOnTheLibraryItWasMadeFor(t *testing.T) {
	list := func(args ...string) string {
		out, err := exec.Command("go", append([]string{"list", "-m"}, args...)...).Output()
		if err != nil {
			t.Skipf("go list does not work here: %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	ours := list("-f", "{{.Version}}", "modernc.org/libc")
	mod := list("-f", "{{.GoMod}}", "modernc.org/sqlite")
	out, err := exec.Command("go", "mod", "edit", "-print", mod).Output()
	must(t, err)
	if !strings.Contains(string(out), "modernc.org/libc "+ours+"\n") {
		t.Errorf("modernc.org/libc is %s, which is not what modernc.org/sqlite asks for", ours)
	}
}
