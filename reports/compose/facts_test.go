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
	failed := reports.Incident{Finding: count(checks.PanelFailed, checks.Critical, 61), Peak: 61, Worst: checks.Critical,
		Times: reports.IncidentTimes{Opened: noon.Add(-time.Hour)}}
	expired := func(site string, age time.Duration) reports.Incident {
		return reports.Incident{Finding: onSite(site, checks.CertExpired), Times: reports.IncidentTimes{Opened: noon.Add(-age)}}
	}
	storm := telling(reports.Opened, expired("a.ru", 0))
	storm.Problem.Cause, storm.Problem.Told.Value = reports.StormCause, 30
	for _, tt := range []struct {
		name string
		told reports.Telling
		want string
	}{
		{"a count of the server", telling(reports.Worsened, failed),
			`{"event":"worsened","problem":7,"server":"isp1","code":"panel.failed","severity":"critical","opened":"2026-11-21T08:00:00Z",` +
				`"count":{"value":61,"threshold":100},"next":{"who":"us","text":"go through the list of failed certificates: disable sites whose customers have left, re-issue those that were fixed."}}`},
		{"its end", telling(reports.Resolved, failed),
			`{"event":"resolved","problem":7,"server":"isp1","code":"panel.failed","severity":"critical","opened":"2026-11-21T08:00:00Z",` +
				`"resolved":"2026-11-21T09:00:00Z","count":{"value":61,"threshold":100}}`},
		{"sites", telling(reports.Opened, expired("xn--e1afmkfd.xn--p1ai", 0), expired("b.ru", time.Minute)),
			`{"event":"opened","problem":7,"server":"isp1","sites":["xn--e1afmkfd.xn--p1ai","b.ru"],"code":"cert.expired","severity":"critical","opened":"2026-11-21T08:59:00Z",` +
				`"next":{"who":"us","text":"find out why it was not renewed and re-issue it; if the site is not needed, disable it."}}`},
		{"a storm", storm,
			`{"event":"opened","problem":7,"server":"isp1","severity":"critical","opened":"2026-11-21T09:00:00Z","count":{"value":30}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(Told(writer(t, "en"), tt.told, reports.Server{Name: "isp1"}).Facts)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
