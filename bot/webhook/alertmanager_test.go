package webhook

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"domovoy/reports"
)

// newAlertmanager starts Debian's Alertmanager on a free port of loopback, and
// returns the address of its API.
func newAlertmanager(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prometheus-alertmanager is not installed; CI has it")
		}
		t.Skip("SKIPPED: prometheus-alertmanager is not installed")
	}
	folder := t.TempDir()
	config := filepath.Join(folder, "alertmanager.yml")
	if err := os.WriteFile(config, []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file="+config, "--storage.path="+folder, "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	listening := regexp.MustCompile(`msg="?Listening.* address=(127\.0\.0\.1:\d+)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			return "http://" + found[1] + "/api/v2/alerts"
		}
		t.Log(lines.Text())
	}
	t.Fatal("Alertmanager ended")
	return ""
}

// active are the alerts that an Alertmanager has, by their labels and annotations.
func active(t *testing.T, api string) (alerts []struct {
	Labels, Annotations map[string]string
	StartsAt            time.Time
}) {
	t.Helper()
	response, err := http.Get(api)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&alerts); err != nil {
		t.Fatal(err)
	}
	return alerts
}

// TestARealAlertmanager takes an alert, a repetition of it, and its end.
func TestARealAlertmanager(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	api := newAlertmanager(t)
	w := newHook(t, Hook{URL: api, Form: builtin(t, "alertmanager")})
	open, over := alert(), resolved()
	opened := time.Now().Add(-time.Hour).Truncate(time.Second)
	for _, f := range []*reports.Facts{open.Facts, over.Facts} {
		f.Opened = opened
	}
	over.Facts.Resolved = opened.Add(59 * time.Minute)
	for range 2 {
		if _, err := w.Send(t.Context(), duty(), "", open); err != nil {
			t.Fatal(err)
		}
	}
	alerts := active(t, api)
	if len(alerts) != 1 || alerts[0].Labels["alertname"] != "panel.failed" || alerts[0].Annotations["summary"] != open.Title || !alerts[0].StartsAt.Equal(opened) {
		t.Errorf("it has %+v, want one alert", alerts)
	}
	if err := w.Edit(t.Context(), duty(), "", over); err != nil {
		t.Fatal(err)
	}
	if alerts := active(t, api); len(alerts) != 0 {
		t.Errorf("after the end it has %+v", alerts)
	}
}
