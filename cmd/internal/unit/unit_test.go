package unit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// systemd-analyze's scale of exposure goes from 0 to 10 and is counted in tenths here.
// What is left open is the network, without which the service would be of no use.
const exposure = "15"

func TestExposure(t *testing.T) {
	out, err := analyze(t, Service(Program, Config), "security", "--offline=yes", "--no-pager", "--threshold="+exposure)
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A mistake in a line makes systemd ignore the line.
func TestEveryLineIsUnderstood(t *testing.T) {
	for _, program := range []string{Program, "/opt/my programs/domovoy"} {
		out, err := analyze(t, Service(program, "/srv/100%/config.yaml"), "verify", "--man=no")
		for line := range strings.Lines(out) {
			if !strings.Contains(line, "is not executable") { // it is not installed here
				t.Errorf("%s: %v: %s", program, err, line)
			}
		}
	}
}

func TestOtherPlaces(t *testing.T) {
	for _, c := range []struct{ program, config, run, condition string }{
		{Program, Config, "ExecStart=/usr/bin/domovoy run", "^[^#] /etc/domovoy/config.yaml"},
		{"/usr/local/bin/domovoy", Config, "ExecStart=/usr/local/bin/domovoy run", "^[^#] /etc/domovoy/config.yaml"},
		{Program, "/srv/a b.yaml", `ExecStart=/usr/bin/domovoy run --config "/srv/a b.yaml"`, `^[^#] "/srv/a b.yaml"`},
		{"/opt/50%/domovoy", Config, "ExecStart=/opt/50%%/domovoy run", "^[^#] /etc/domovoy/config.yaml"},
	} {
		text := Service(c.program, c.config)
		if !strings.Contains(text, "\n"+c.run+"\n") || !strings.Contains(text, c.condition+"\n") {
			t.Errorf("%s with %s: not %q and %q in\n%s", c.program, c.config, c.run, c.condition, text)
		}
	}
}

func analyze(t *testing.T, unit string, args ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("systemd-analyze is not installed")
	}
	file := filepath.Join(t.TempDir(), "domovoy.service")
	if err := os.WriteFile(file, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, append(args, file)...).CombinedOutput()
	return string(out), err
}
