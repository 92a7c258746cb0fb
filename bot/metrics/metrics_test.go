package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/metrics"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

var update = flag.Bool("update", false, "write the golden file")

// served is a bot that has seen and done something of everything: its handler, and
// the panel that it reads.
func served(t *testing.T) (http.Handler, *enginetest.Panel, *engine.Engine) {
	t.Helper()
	panel := enginetest.NewPanel(checks.Site{Name: "shop.example", Active: checks.On}, checks.Site{Name: "blog.example", Active: checks.On})
	panel.Change(func(s *checks.Snapshot) {
		s.Certificates = []checks.Certificate{{Name: "shop.example_le1", Domain: "shop.example", Failed: checks.On}}
	})
	m := metrics.New("v1.2.3", slog.New(slog.DiscardHandler))
	e := enginetest.New(t, engine.Config{Metrics: m, Sources: []watch.Source{{Name: "isp1", Reader: panel, CA: &watch.CA{Rules: enginetest.LetsEncrypt(t)}}},
		Policy: reports.Policy{Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Warn: 1, Critical: 50}}}})
	if err := e.Canary.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.Expect([]string{"telegram"}, []string{"panel", "daily"})
	for _, err := range []error{nil, &bot.RetryAfter{After: time.Second}, &bot.Refused{}, &bot.Permanent{}, bot.ErrGone, &bot.Unclear{}, io.ErrUnexpectedEOF} {
		m.Called("telegram", 300*time.Millisecond, err)
	}
	m.Answered("status", "ok", 20*time.Millisecond)
	m.Answered("unknown", "unknown_command", 5*time.Millisecond)
	m.Refused("isp1", "old")
	m.SightRefused("fra1", "foreign")
	m.HubRefused("key", 3)
	m.Ran("panel", time.Second, nil)
	m.Ran("daily", time.Second, errors.New("disk full"))
	return m.Handler(e.Health()), panel, e
}

// get asks a handler.
func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// TestMetrics shows all of them. What depends on the machine and the hour is left
// out: the runtime's, the process's, and times.
func TestMetrics(t *testing.T) {
	handler, _, e := served(t)
	enginetest.Read(t, e)
	if err := e.Alerts.Observe(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, handler, "/metrics")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("against the conventions: %v %v", problems, err)
	}
	var shown []string
	for line := range strings.Lines(body) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if strings.HasPrefix(name, "domovoy_") && !regexp.MustCompile(`_(bucket|sum)\b`).MatchString(line) {
			shown = append(shown, regexp.MustCompile(`^(domovoy_\w*(timestamp|bytes|oldest)\w*(\{.*\})?) .*`).ReplaceAllString(line, "$1 N"))
		}
	}
	golden := filepath.Join("testdata", "metrics.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(shown, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), strings.Join(shown, "")); diff != "" {
		t.Errorf("other metrics (-update writes them):\n%s", diff)
	}
}

// TestAPanelThatCannotBeRead has no count: 0 would be good news.
func TestAPanelThatCannotBeRead(t *testing.T) {
	p := enginetest.NewProgram(t)
	m := metrics.New("v1.2.3", slog.New(slog.DiscardHandler))
	m.Show(p.Journal, p.Engine.Watch)
	handler := m.Handler(p.Engine.Health())
	for _, step := range []struct {
		name       string
		change     func()
		up         string
		sites, has bool
	}{
		{"before the first reading", func() {}, "0", false, false},
		{"read", func() { enginetest.Read(t, p.Engine) }, "1", true, true},
		{"away", func() { p.Away(); enginetest.Read(t, p.Engine) }, "0", true, false},
		{"back", func() { p.Back(); enginetest.Read(t, p.Engine) }, "1", true, true},
	} {
		step.change()
		_, body := get(t, handler, "/metrics")
		if !strings.Contains(body, `domovoy_panel_up{server="isp1"} `+step.up+"\n") {
			t.Errorf("%s: panel_up is not %s", step.name, step.up)
		}
		if has := strings.Contains(body, `domovoy_panel_certificates{count="failed"`); has != step.has {
			t.Errorf("%s: a count of failed: %v", step.name, has)
		}
		if has := strings.Contains(body, `domovoy_panel_sites{server="isp1"}`); has != step.sites {
			t.Errorf("%s: a number of sites: %v", step.name, has)
		}
	}
}

// TestHealth is what a load balancer and a monitor see.
func TestHealth(t *testing.T) {
	handler, _, e := served(t)
	want := func(when, path string, code int, text string) {
		t.Helper()
		if got, body := get(t, handler, path); got != code || body != text {
			t.Errorf("%s: %s answers %d %q, want %d %q", when, path, got, body, code, text)
		}
	}
	want("before the first reading", "/healthz", 200, "ok\n")
	want("before the first reading", "/readyz", 503, "panel isp1: not read yet\n")
	enginetest.Read(t, e)
	want("read", "/readyz", 200, "ok\n")
	want("anything else", "/", 404, "404 page not found\n")
	fault := errors.New("the state file /var/lib/domovoy/domovoy.db: full")
	handler = metrics.New("", slog.New(slog.DiscardHandler)).Handler(metrics.Health{Alive: func() error { return fault }, Ready: func() error { return nil }})
	want("with a full disk", "/healthz", 503, fault.Error()+"\n")
	want("with a full disk", "/readyz", 503, fault.Error()+"\n")
}

// TestTheStateIsGone still shows what is in memory.
func TestTheStateIsGone(t *testing.T) {
	handler, _, e := served(t)
	enginetest.Read(t, e)
	if err := e.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	code, body := get(t, handler, "/metrics")
	if code != 200 || !strings.Contains(body, `domovoy_panel_up{server="isp1"} 1`) || strings.Contains(body, "domovoy_messages_waiting ") {
		t.Errorf("%d\n%s", code, body)
	}
	if _, again := get(t, handler, "/metrics"); !regexp.MustCompile(`(?m)^domovoy_state_read_failures_total [12]$`).MatchString(again) {
		t.Error("the failures are not counted")
	}
}

// program finds a program that CI installs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; CI has it", name)
	}
	if err != nil {
		t.Skipf("SKIPPED: %s is not installed", name)
	}
	return path
}

// TestPromtool has Prometheus' own tool look at the metrics and at the rules.
func TestPromtool(t *testing.T) {
	tool := program(t, "promtool")
	handler, _, e := served(t)
	enginetest.Read(t, e)
	_, body := get(t, handler, "/metrics")
	for _, c := range []struct {
		in   string
		args []string
	}{
		{body, []string{"check", "metrics"}},
		{"", []string{"check", "rules", "rules.yml"}},
		{"", []string{"test", "rules", "rules_test.yml"}},
	} {
		cmd := exec.CommandContext(t.Context(), tool, c.args...)
		cmd.Stdin = strings.NewReader(c.in)
		out, err := cmd.CombinedOutput()
		if err != nil || c.in != "" && len(bytes.TrimSpace(out)) > 0 { // of metrics it says what it dislikes
			t.Errorf("promtool %v: %v\n%s", c.args, err, out)
		}
	}
}

// TestPrometheusScrapes has Debian's Prometheus read the metrics from Serve.
func TestPrometheusScrapes(t *testing.T) {
	server := program(t, "prometheus")
	m := metrics.New("v1.2.3", slog.New(slog.DiscardHandler))
	p := enginetest.NewProgram(t)
	m.Show(p.Journal, p.Engine.Watch)
	enginetest.Read(t, p.Engine)
	ours := enginetest.FreePort(t)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- m.Serve(ctx, ours, p.Engine.Health()) }()
	defer func() {
		stop()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if l, err := net.Listen("tcp", ours); err != nil {
			t.Errorf("the port is not free again: %v", err)
		} else {
			_ = l.Close()
		}
	}()

	folder, theirs := t.TempDir(), enginetest.FreePort(t)
	config := "global: {scrape_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs: [{job_name: domovoy, static_configs: [{targets: ['" + ours + "']}]}]\n"
	for name, text := range map[string][]byte{"prometheus.yml": []byte(config), "rules.yml": read(t, "rules.yml")} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(ctx, server, "--config.file="+filepath.Join(folder, "prometheus.yml"), "--storage.tsdb.path="+folder, "--web.listen-address="+theirs)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = cmd.Wait() }()

	query := "http://" + theirs + "/api/v1/query?query=domovoy_panel_certificates%7Bjob%3D%22domovoy%22%2Ccount%3D%22processing%22%7D"
	deadline := time.Now().Add(time.Minute)
	for {
		var answer struct {
			Data struct {
				Result []struct {
					Metric map[string]string
					Value  [2]any
				}
			}
		}
		if response, err := http.Get(query); err == nil {
			err = json.NewDecoder(response.Body).Decode(&answer)
			_ = response.Body.Close()
			if found := answer.Data.Result; err == nil && len(found) == 1 {
				if found[0].Metric["server"] != "isp1" || found[0].Metric["instance"] != ours || found[0].Value[1] != "0" {
					t.Errorf("Prometheus has %v", found)
				}
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Prometheus has not scraped in a minute:\n%s", log.String())
		}
		select {
		case <-time.After(50 * time.Millisecond): // Prometheus has no way to say that it did
		case <-ctx.Done():
		}
	}
}

// TestEveryNameExists: the rules, the dashboard and the manual speak of metrics that
// there are, the manual of all.
func TestEveryNameExists(t *testing.T) {
	handler, _, e := served(t)
	enginetest.Read(t, e)
	_, body := get(t, handler, "/metrics")
	name := regexp.MustCompile(`\b(domovoy|process)_[a-z_]+[a-z]\b`)
	known := name.FindAllString(body, -1)
	known = append(known, name.FindAllString(string(read(t, "testdata/metrics.txt")), -1)...)
	for _, file := range []string{"rules.yml", "dashboard.json", "../../cmd/README.md", "../../cmd/README.ru.md"} {
		text := read(t, file)
		if strings.HasSuffix(file, ".json") && !json.Valid(text) {
			t.Errorf("%s is not JSON", file)
		}
		found := name.FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, n := range regexp.MustCompile(`(?m)^# TYPE (domovoy_\S+)`).FindAllStringSubmatch(string(read(t, "testdata/metrics.txt")), -1) {
			if strings.HasSuffix(file, ".md") && !slices.Contains(found, n[1]) {
				t.Errorf("%s does not name %s", file, n[1])
			}
		}
		for _, n := range found {
			if !slices.Contains(known, n) {
				t.Errorf("%s names %s, which there is not", file, n)
			}
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
