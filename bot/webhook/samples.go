package webhook

import (
	"time"

	"domovoy/checks"
	"domovoy/reports"
)

// severityOf is the severity of a message that is about no problem.
func severityOf(t reports.Tone) checks.Severity {
	switch t {
	case reports.ToneBad:
		return checks.Critical
	case reports.ToneWarning:
		return checks.Warning
	case reports.ToneOver:
		return checks.Healthy
	}
	return checks.Info
}

// samples are bodies with and without each part that may be missing, on which forms
// are tried.
func samples() []Body {
	sent := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	said := Body{Version: version, Delivery: "17-1795943400000", Sent: sent, Language: "en", Title: "isp1: \"61\" certificates", Text: "An hour ago it was 14.\n\t<b>&", Query: "token=a%20b&x=1"}
	open, over, sites, told := said, said, said, said
	open.Facts = reports.Facts{Event: reports.Opened, Problem: 7, Server: "isp1", Code: checks.PanelFailed, Severity: checks.Critical, Opened: sent.Add(-time.Hour),
		Count: &reports.Count{Value: 61, Threshold: 50}, Next: &reports.NextStep{Who: checks.Us, Text: "look"}}
	over.Facts = open.Facts
	over.Event, over.Resolved, over.Next = reports.Resolved, sent, nil
	sites.Facts = reports.Facts{Event: reports.Opened, Server: "isp1", Code: checks.CertExpired, Severity: checks.Critical, Sites: []string{"a.ru", "xn--e1afmkfd.xn--p1ai"}}
	told.Facts = reports.Facts{Event: eventMessage, Severity: checks.Info}
	return []Body{open, over, sites, told}
}
