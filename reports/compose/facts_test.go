package compose

import (
	"encoding/json"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// TestFacts shows what programs are told beside the words of an alert.
func TestFacts(t *testing.T) {
	failed := reports.Incident{ID: 7, Finding: count(checks.PanelFailed, checks.Critical, 61), Peak: 61, Worst: checks.Critical,
		Times: reports.IncidentTimes{Opened: noon.Add(-time.Hour)}}
	over := failed
	over.Times.Resolved = noon
	expired := func(site string, age time.Duration) reports.Incident {
		return reports.Incident{Finding: onSite(site, checks.CertExpired), Times: reports.IncidentTimes{Opened: noon.Add(-age)}}
	}
	for _, tt := range []struct {
		name    string
		changes []reports.Change
		want    string
	}{
		{"a count of the server", []reports.Change{{Kind: reports.Worsened, Incident: failed}},
			`{"event":"worsened","problem":7,"server":"isp1","code":"panel.failed","severity":"critical","opened":"2026-11-21T08:00:00Z",` +
				`"count":{"value":61,"threshold":100},"next":{"who":"us","text":"go through the list of failed certificates: disable sites whose customers have left, re-issue those that were fixed."}}`},
		{"its end", []reports.Change{{Kind: reports.Resolved, Incident: over}},
			`{"event":"resolved","problem":7,"server":"isp1","code":"panel.failed","severity":"critical","opened":"2026-11-21T08:00:00Z",` +
				`"resolved":"2026-11-21T09:00:00Z","count":{"value":61,"threshold":100}}`},
		{"sites", []reports.Change{{Kind: reports.Opened, Incident: expired("xn--e1afmkfd.xn--p1ai", 0)}, {Kind: reports.Opened, Incident: expired("b.ru", time.Minute)}},
			`{"event":"opened","server":"isp1","sites":["xn--e1afmkfd.xn--p1ai","b.ru"],"code":"cert.expired","severity":"critical","opened":"2026-11-21T08:59:00Z",` +
				`"next":{"who":"us","text":"find out why it was not renewed and re-issue it; if the site is not needed, disable it."}}`},
		{"a storm", many(30, reports.Opened, checks.CertExpired),
			`{"event":"opened","server":"isp1","severity":"critical","count":{"value":30}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := Alerts(writer(t, "en"), reports.Server{Name: "isp1", Subjects: manySites(200)}, tt.changes, reports.Beginning{})
			if len(told) != 1 {
				t.Fatalf("%d messages, want one", len(told))
			}
			got, err := json.Marshal(told[0].Message.Facts)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
