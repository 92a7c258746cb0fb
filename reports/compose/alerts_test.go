package compose

import (
	"fmt"
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

// telling is a telling about a problem that has these incidents, at least one.
func telling(reason reports.Reason, incidents ...reports.Incident) reports.Telling {
	first := incidents[0]
	p := reports.Problem{ID: 7, Key: reports.ProblemKey(first.Finding), Server: first.Finding.Server, Cause: first.Finding.Code, Opened: first.Times.Opened}
	for _, i := range incidents {
		p.Worst, p.Peak = max(p.Worst, i.Worst), max(p.Peak, i.Peak)
		if i.Times.Opened.Before(p.Opened) {
			p.Opened = i.Times.Opened
		}
	}
	p.Told = reports.Told{Reason: reason, Severity: p.Worst, Value: max(p.Peak, len(incidents)), At: noon}
	if reason == reports.Resolved {
		p.Resolved = noon
	}
	return reports.Telling{Reason: reason, Problem: p, Incidents: incidents, Fresh: incidents}
}

// The baseline is one summary, without a sound.
func TestTheBaselineIsOneSummary(t *testing.T) {
	changes := make([]reports.Change, 50)
	for n := range changes {
		f := onSite(fmt.Sprintf("a%d.ru", n), checks.CertExpired)
		changes[n] = reports.Change{Kind: reports.Baseline, Incident: reports.Incident{Finding: f}}
	}
	s := reports.Server{Name: "isp1", Subjects: manySites(200)}
	if m, ok := Begun(writer(t, "en"), s, changes, reports.Beginning{Server: true}); !ok || !m.Silent {
		t.Errorf("%t %+v", ok, m)
	}
	if _, ok := Begun(writer(t, "en"), s, nil, reports.Beginning{Checks: []string{"certificate"}}); ok {
		t.Error("a check that found nothing says so")
	}
}

// What makes a sound: critical counts and critical names, and nothing else.
func TestSilence(t *testing.T) {
	w, s := writer(t, "en"), reports.Server{Name: "isp1"}
	incident := func(f checks.Finding) reports.Incident { return reports.Incident{Finding: f, Worst: f.Severity} }
	critical, mild := incident(count(checks.PanelFailed, checks.Critical, 60)), incident(count(checks.PanelFailed, checks.Warning, 60))
	expired, late := incident(onSite("a.ru", checks.CertExpired)), incident(onSite("a.ru", checks.CertOverdue))
	storm := telling(reports.Opened, expired)
	storm.Problem.Cause = reports.StormCause
	for _, tt := range []struct {
		name   string
		m      reports.Message
		silent bool
	}{
		{"critical", Told(w, telling(reports.Opened, critical), s), false},
		{"warning", Told(w, telling(reports.Opened, mild), s), true},
		{"over that was critical", Told(w, telling(reports.Resolved, critical), s), false},
		{"over that was a warning", Told(w, telling(reports.Resolved, mild), s), true},
		{"an edit", Redrawn(w, reports.Message{Title: "was"}, telling(reports.Resolved, critical), s), true},
		{"names, critical", Told(w, telling(reports.Opened, expired), s), false},
		{"names, warning", Told(w, telling(reports.Opened, late), s), true},
		{"names, over", Told(w, telling(reports.Resolved, expired), s), true},
		{"storm", Told(w, storm, s), false},
		{"came and went", Told(w, reports.Telling{Reason: reports.Passed, Incidents: []reports.Incident{expired}}, s), true},
	} {
		if tt.m.Silent != tt.silent {
			t.Errorf("%s: silent %t, want %t", tt.name, tt.m.Silent, tt.silent)
		}
	}
}

// manySites are sites without problems.
func manySites(n int) []checks.Subject {
	sites := make([]checks.Subject, n)
	for i := range sites {
		sites[i].Site = &checks.Site{Name: fmt.Sprintf("well%d.ru", i)}
	}
	return sites
}
