package trust

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"domovoy/bot/fleet"
)

// TestRenewed: the certificate stays as long as it fits; the CA, which agents know, stays
// always.
func TestRenewed(t *testing.T) {
	folder := t.TempDir() + "/hub"
	unlock, err := fleet.Lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	ca, err := CA(folder)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var last []byte
	for _, step := range []struct {
		what    string
		names   []string
		at      time.Time
		renewed bool
	}{
		{"the first", []string{"hub.example.com", "192.0.2.1"}, now, true},
		{"again", []string{"hub.example.com", "192.0.2.1"}, now, false},
		{"fewer names", []string{"hub.example.com"}, now.Add(time.Hour), false},
		{"another address", []string{"hub.example.com", "192.0.2.2"}, now, true},
		{"ten months later", []string{"hub.example.com", "192.0.2.2"}, now.Add(300 * 24 * time.Hour), false},
		{"eleven months later", []string{"hub.example.com", "192.0.2.2"}, now.Add(310 * 24 * time.Hour), true},
		{"a clock that was ahead", []string{"hub.example.com", "192.0.2.2"}, now, true},
	} {
		c, err := Certificate(folder, step.names, step.at)
		if err != nil {
			t.Fatal(step.what, err)
		}
		if renewed := !bytes.Equal(last, c.Leaf.Raw); renewed != step.renewed {
			t.Errorf("%s: renewed: %t", step.what, renewed)
		}
		last = c.Leaf.Raw
		for _, name := range step.names {
			if err := c.Leaf.VerifyHostname(name); err != nil {
				t.Error(step.what, err)
			}
		}
	}
	if again, err := CA(folder); err != nil || again != ca {
		t.Error("the CA is another one", err)
	}
	for _, name := range []string{"ca.pem", "hub.pem"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Error(name, info.Mode(), err)
		}
	}
}
