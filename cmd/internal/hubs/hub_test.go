package hubs

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/fleet"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs/hubstest"
)

// TestHubOfTheBot starts the hub as run does, enrols an agent, kills the hub, and
// removes the agent.
func TestHubOfTheBot(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	bin := hubstest.Install(t)
	cfg := &config.Config{Basics: config.Basics{State: t.TempDir() + "/domovoy.db"}, Fleet: config.Fleet{Listen: enginetest.FreePort(t)}}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	var hub Keeper
	defer hub.Stop()
	hub.Follow(t.Context(), cfg, log)

	keeping, stop := context.WithCancel(t.Context())
	defer stop()
	go KeepStreams(keeping, cfg, log)

	e, err := Enrol(t.Context(), cfg, "isp2", []string{"isp2"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan struct{}, 100)
	agent, err := fleet.Dial(fleet.Config{URLs: []string{e.Hub}, Name: "isp2", Key: e.Key, CA: e.CA, Log: log, Wait: 100 * time.Millisecond, Lost: func(err error) {
		if fleet.IsRefused(err) {
			refused <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	await(t, agent, nats.CONNECTED)
	js, err := jetstream.New(agent)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-90 * time.Second)
	for deadline := time.Now().Add(30 * time.Second); ; { // until the bot has made the bucket
		_, err := js.Publish(t.Context(), fleet.EntrySubject("isp2"), []byte(`{"v":1,"version":"0.1.0","at":`+millis(at)+`,"backlog":7,"abilities":["panel"]}`))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	entries, err := Roster(t.Context(), cfg)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if got := entries[0]; got.Version != "0.1.0" || got.Backlog != 7 || !slices.Equal(got.Abilities, []string{"panel"}) || got.Offset > -89*time.Second || got.Offset < -120*time.Second {
		t.Errorf("the agent is %+v", got)
	}

	kill(t, cfg.Fleet.Listen, bin)
	await(t, agent, nats.RECONNECTING)
	await(t, agent, nats.CONNECTED)

	if err := Expel(t.Context(), cfg, "isp2", "local:ann", time.Now()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-refused:
	case <-time.After(20 * time.Second):
		t.Error("the removed agent is not refused")
	}
	hub.Stop()
	l, err := net.Listen("tcp", cfg.Fleet.Listen)
	if err != nil {
		t.Fatal("the hub did not stop:", err)
	}
	_ = l.Close()
	if _, err := Roster(t.Context(), cfg); !errors.Is(err, ErrAway) {
		t.Error("without a hub the list says", err)
	}
}

// TestNoHubProgram: what is wrong is one sentence with its cure.
func TestNoHubProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := find(); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

// TestPublic: under which name agents look for the hub.
func TestPublic(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fleet config.Fleet
		hub   string
		sure  bool
	}{
		{config.Fleet{Listen: "203.0.113.7:4222"}, "tls://203.0.113.7:4222", true},
		{config.Fleet{Listen: "0.0.0.0:5222"}, "tls://" + name + ":5222", strings.Contains(name, ".")},
		{config.Fleet{Listen: ":4222", Public: "hub.example.com"}, "tls://hub.example.com:4222", true},
		{config.Fleet{Listen: ":4222", Public: "hub.example.com:443"}, "tls://hub.example.com:443", true},
		{config.Fleet{Listen: ":4222", Public: "[2001:db8::7]"}, "tls://[2001:db8::7]:4222", true},
		{config.Fleet{Hub: "tls://a:1,tls://b:2"}, "tls://a:1,tls://b:2", true},
	} {
		if hub, sure := Public(&config.Config{Fleet: c.fleet}); hub != c.hub || sure != c.sure {
			t.Errorf("%+v: %s, sure: %t", c.fleet, hub, sure)
		}
	}
}

func millis(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

func await(t *testing.T, n *nats.Conn, want nats.Status) {
	t.Helper()
	changed := n.StatusChanged(want)
	defer n.RemoveStatusListener(changed)
	if n.Status() == want {
		return
	}
	select {
	case <-changed:
	case <-time.After(30 * time.Second):
		t.Fatalf("the connection is %v, want %v", n.Status(), want)
	}
}

// kill ends the hub as the kernel would.
func kill(t *testing.T, listen, bin string) {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range folders {
		text, err := os.ReadFile(name)
		if err == nil && strings.HasPrefix(string(text), filepath.Join(bin, program)+"\x00") && strings.Contains(string(text), listen) {
			if err := exec.CommandContext(t.Context(), "kill", "-9", filepath.Base(filepath.Dir(name))).Run(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no hub runs")
}
