package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoServerInside: the hub is a program of its own, because a process that only
// links a NATS server has five megabytes more.
func TestNoServerInside(t *testing.T) {
	list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := string(list)
	if !strings.Contains(deps, "github.com/nats-io/nats.go\n") {
		t.Error("the client is not there either: does this test see what the program imports?")
	}
	for line := range strings.Lines(deps) {
		if strings.Contains(line, "nats-server") || strings.Contains(line, "domovoy/bot/fleet/hub") {
			t.Error("the program links", strings.TrimSpace(line))
		}
	}
}
