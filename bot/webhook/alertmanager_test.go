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

// held is an alert that an Alertmanager has.
type held struct {
	Labels, Annotations map[string]string
	StartsAt            time.Time
}

// active are the alerts that an Alertmanager has, and its time: the clock of the tests
// may be another.
func active(t *testing.T, api string) (alerts []held, now time.Time) {
	t.Helper()
	response, err := http.Get(api)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&alerts); err != nil {
		t.Fatal(err)
	}
	now, err = http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		t.Fatal(err)
	}
	return alerts, now
}

// TestARealAlertmanager takes an alert, a repetition of it, and its end.
func TestARealAlertmanager(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	api := newAlertmanager(t)
	w := newHook(t, Hook{URL: api, Form: builtin(t, "alertmanager")})
	open, over := alert(), resolved()
	_, now := active(t, api)
	w.now = func() time.Time { return now }
	opened := now.Add(-time.Hour)
	for _, f := range []*reports.Facts{open.Facts, over.Facts} {
		f.Opened = opened
	}
	over.Facts.Resolved = opened.Add(59 * time.Minute)
	for range 2 {
		if _, err := w.Send(t.Context(), duty(), "", open); err != nil {
			t.Fatal(err)
		}
	}
	alerts, _ := active(t, api)
	if len(alerts) != 1 || alerts[0].Labels["alertname"] != "panel.failed" || alerts[0].Annotations["summary"] != open.Title || !alerts[0].StartsAt.Equal(opened) {
		t.Errorf("it has %+v, want one alert", alerts)
	}
	if err := w.Edit(t.Context(), duty(), "", over); err != nil {
		t.Fatal(err)
	}
	if alerts, _ := active(t, api); len(alerts) != 0 {
		t.Errorf("after the end it has %+v", alerts)
	}
}
