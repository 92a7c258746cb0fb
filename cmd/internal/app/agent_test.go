package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/commands"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lease"
	"domovoy/checks/lab"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/cmd/internal/hubs/hubstest"
	"domovoy/i18n"
)

// TestAgentAtTheHubOfTheBot: the panel of a real agent is known to a bot that has a hub of
// its own, and the command fleet has the agent's own words.
func TestAgentAtTheHubOfTheBot(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	hubstest.Install(t)
	folder := t.TempDir()
	panel, err := lab.NewPanel(filepath.Join(folder, "ispmgr.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer panel.Close()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	bot := loaded(t, folder, "bot.yaml", fmt.Sprintf("state: %q\npanels: []\nresolvers: []\nfleet: {listen: %q}\n", filepath.Join(folder, "bot", "domovoy.db"), enginetest.FreePort(t)))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var hub hubs.Keeper
	defer hub.Stop()
	hub.Follow(ctx, bot, log)
	go hubs.KeepStreams(ctx, bot, log)
	enrolled, err := hubs.Enrol(ctx, bot, "isp2", []string{"isp2"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	awaitBucket(t, bot)

	text, err := enrolled.Text("isp2")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "isp2.enrolment"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := loaded(t, folder, "agent.yaml", fmt.Sprintf("state: %q\npanels: [{name: isp2, database: %q, acme: {directory: \"https://127.0.0.1:9/directory\"}}]\nresolvers: []\nfleet: {key_file: isp2.enrolment}\n",
		filepath.Join(folder, "agent.db"), filepath.Join(folder, "ispmgr.db")))
	ended := make(chan error, 1)
	agentRuns, stopAgent := context.WithCancel(ctx)
	go func() { ended <- RunAgent(agentRuns, agent, log) }()
	entry := awaitEntry(t, bot)
	if entry.Version != Version() || entry.Protocol != fleet.Protocol || entry.Offset.Abs() > 10*time.Second || !slices.Contains(entry.Abilities, "panel") {
		t.Errorf("the agent's entry is %+v", entry)
	}

	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(bot.State), 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := OpenIn(ctx, Laboratory{}, bot, bundle, log)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := a.Ask(ctx, Local{User: "ann"}, "fleet", func(string) {})
	if err != nil || reply.Refused != "" {
		t.Fatal(reply, err)
	}
	data, ok := reply.Data.(commands.FleetData)
	if !ok || !data.Fleet || !data.Reached || len(data.Agents) != 1 || data.Agents[0].Name != "isp2" || data.Agents[0].Version != Version() || data.Agents[0].Seen == nil || data.Agents[0].Trouble != "" {
		t.Errorf("the command fleet answers %+v", reply.Data)
	}
	if reply, err = a.Ask(ctx, Local{User: "ann"}, "status", func(string) {}); err != nil {
		t.Fatal(err)
	}
	status, ok := reply.Data.(commands.StatusData)
	if !ok || len(status.Servers) != 1 || status.Servers[0].Server != "isp2" || len(status.Metrics) == 0 || status.Metrics[0].Value == nil {
		text, _ := json.Marshal(reply.Data)
		t.Errorf("status does not have the agent's panel: %s", text)
	}

	warnsOfPair(t, a)

	stopAgent()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	a = removedAndBack(ctx, t, bot, agent, bundle, a, log)
	hub.Stop()
	if reply, err = a.Ask(ctx, Local{User: "ann"}, "fleet", func(string) {}); err != nil {
		t.Fatal(err)
	}
	if data, ok := reply.Data.(commands.FleetData); !ok || data.Reached || len(data.Agents) != 1 || data.Agents[0].Seen != nil {
		t.Errorf("without its hub the command fleet answers %+v", reply.Data)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// warnsOfPair has a bot that is in no pair warn of the one that speaks at its hub.
func warnsOfPair(t *testing.T, a *App) {
	t.Helper()
	log := a.log
	defer func() { a.log = log }()
	said := func() string {
		var out strings.Builder
		a.log = slog.New(slog.NewTextHandler(&out, nil))
		a.warnOfPair(t.Context())
		return out.String()
	}
	if got := said(); got != "" {
		t.Errorf("without another bot it warns: %s", got)
	}
	l, err := lease.New(lease.Config{Conn: a.agents.conn, Host: "bot9.example.com", Notes: filepath.Join(t.TempDir(), "note.json"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := l.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := said(); !strings.Contains(got, "bot9.example.com") || !strings.Contains(got, "fleet.pair") {
		t.Errorf("of another bot it says: %q", got)
	}
	if err := turn.Leave(); err != nil {
		t.Error(err)
	}
}

// TestJoining: of many panels that join the program waits for the rest, but not for ever.
func TestJoining(t *testing.T) {
	for _, c := range []struct {
		before, others, panels int
		since                  time.Duration
		want                   bool
	}{
		{0, 1, 1, 10 * time.Second, false},
		{0, 3, 9, 10 * time.Second, false},
		{0, 10, 10, 10 * time.Second, true},
		{10, 15, 30, 20 * time.Second, true},
		{15, 15, 30, 30 * time.Second, false},
		{15, 20, 50, time.Minute, false},
	} {
		if got := joining(c.before, c.others, c.panels, c.since); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// loaded is a configuration.
func loaded(t *testing.T, folder, name, text string) *config.Config {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return cfg
}

// removedAndBack removes the agent: the bot forgets its panel. Enrolled again with the
// file that it has of before, it sends everything again. It returns the bot that then
// runs, and has stopped the agent.
func removedAndBack(ctx context.Context, t *testing.T, bot, agent *config.Config, bundle *i18n.Bundle, a *App, log *slog.Logger) *App {
	t.Helper()
	servers := func() []string {
		reply, err := a.Ask(ctx, Local{User: "ann"}, "status", func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range reply.Data.(commands.StatusData).Servers {
			names = append(names, s.Server)
		}
		return names
	}
	again := func() { // as the program does when the fleet changed
		for giveUp := time.Now().Add(20 * time.Second); !a.FleetChanged(t.Context()); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(giveUp) {
				t.Fatal("the fleet does not change")
			}
		}
		err := a.Close()
		if err == nil {
			a, err = OpenIn(ctx, Laboratory{}, bot, bundle, log)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if a.FleetChanged(t.Context()) {
		t.Error("the fleet changed by itself")
	}
	if err := hubs.Expel(ctx, bot, "isp2", "local:ann", time.Now()); err != nil {
		t.Fatal(err)
	}
	again()
	if got := servers(); len(got) > 0 {
		t.Errorf("the panel of the removed agent is still known: %v", got)
	}
	if known, err := a.journal.FleetPanels(ctx); err != nil || len(known) > 0 {
		t.Error("the state has", known, err)
	}
	reply, err := a.Ask(ctx, Local{User: "ann"}, "audit", func(string) {})
	if text, _ := json.Marshal(reply.Data); err != nil || !strings.Contains(string(text), "fleet remove") || !strings.Contains(string(text), "local:ann") {
		t.Errorf("the audit is %s, %v", text, err)
	}
	if a.FleetChanged(t.Context()) {
		t.Error("it changes again and again")
	}
	enrolled, err := hubs.Enrol(ctx, bot, "isp2", []string{"isp2"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := enrolled.Text("")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(agent.State), "isp2.enrolment")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh, faults := config.Load(agent.File(), func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	runs, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- RunAgent(runs, fresh, log) }()
	again()
	for giveUp := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		reply, err := a.Ask(ctx, Local{User: "ann"}, "status", func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		status := reply.Data.(commands.StatusData)
		if len(status.Servers) == 1 && len(status.Metrics) > 0 && status.Metrics[0].Value != nil {
			break
		}
		if time.Now().After(giveUp) {
			text, _ := json.Marshal(status)
			t.Fatalf("the panel does not come back: %s", text)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return a
}

// awaitBucket waits until the hub has what heartbeats are kept in.
func awaitBucket(t *testing.T, cfg *config.Config) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		n, err := hubs.Reach(t.Context(), cfg)
		if err != nil {
			continue
		}
		js, err := jetstream.New(n)
		if err == nil {
			_, err = js.KeyValue(t.Context(), fleet.BucketFleet)
		}
		n.Close()
		if err == nil {
			return
		}
	}
	t.Fatal("the hub is not ready")
}

// awaitEntry waits for the heartbeat of the only agent, when all that it read was sent.
func awaitEntry(t *testing.T, cfg *config.Config) fleet.Entry {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		entries, err := hubs.Roster(t.Context(), cfg)
		if err == nil && len(entries) == 1 && !entries[0].Seen.IsZero() {
			return entries[0]
		}
	}
	t.Fatal("no heartbeat of the agent")
	return fleet.Entry{}
}
