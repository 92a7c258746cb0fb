package compose

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

// many returns changes of n sites.
func many(n int, kind reports.ChangeKind, code checks.Code) []reports.Change {
	changes := make([]reports.Change, n)
	for i := range changes {
		changes[i] = reports.Change{Kind: kind, Incident: reports.Incident{Finding: onSite(fmt.Sprintf("%s%03d.ru", kind, i), code)}}
	}
	return changes
}

func together(lists ...[]reports.Change) []reports.Change {
	var all []reports.Change
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func TestAlerts(t *testing.T) {
	metric := reports.Change{Kind: reports.Opened, Incident: reports.Incident{Finding: count(checks.PanelFailed, checks.Critical, 60)}}
	tests := []struct {
		name    string
		changes []reports.Change
		want    []string // kind, whether it is about one incident, title
	}{
		{"nothing to say", []reports.Change{{}}, nil},
		{"the server's own stand alone, names by kind and cause", together(
			many(2, reports.Resolved, checks.CertOverdue), many(3, reports.Opened, checks.CertOverdue), []reports.Change{metric},
			many(1, reports.Opened, checks.CertExpired), many(1, reports.Worsened, checks.CertOverdue)),
			[]string{
				"opened 1: isp1: 60 certificates could not be issued (threshold 100)",
				"opened: isp1: the certificate of 1 site has expired",
				"opened: isp1: the certificates of 3 sites were not renewed in time",
				"worsened: isp1: the certificate of 1 site was not renewed in time",
				"resolved: isp1: renewal is no longer overdue for 2 sites",
			}},
		{"a storm is one message", together(many(21, reports.Opened, checks.CertExpired), []reports.Change{metric}, many(1, reports.Resolved, checks.CertMissing)),
			[]string{
				"opened 1: isp1: 60 certificates could not be issued (threshold 100)",
				"opened: isp1: certificate problems on 21 of 200 sites at once",
				"resolved: isp1: the certificate file of 1 site is back",
			}},
		{"a tenth is no storm yet", many(20, reports.Opened, checks.CertExpired), []string{"opened: isp1: the certificates of 20 sites have expired"}},
		{"nor is recovery, however many", many(150, reports.Resolved, checks.CertExpired), []string{"resolved: isp1: 150 sites no longer have expired certificates"}},
	}
	s := reports.Server{Name: "isp1", Subjects: manySites(200)}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, told := range Alerts(writer(t, "en"), s, tt.changes, reports.Beginning{}) {
				one := ""
				if told.Incident != "" {
					one = " 1"
				}
				got = append(got, string(told.Kind)+one+": "+told.Message.Title)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("on a small panel a handful is no storm", func(t *testing.T) {
		small := reports.Server{Name: "isp1", Subjects: manySites(30)}
		if told := Alerts(writer(t, "en"), small, many(19, reports.Opened, checks.CertExpired), reports.Beginning{}); told[0].Message.Sections[0].Items == nil {
			t.Errorf("%+v", told)
		}
	})
	t.Run("the baseline is one summary", func(t *testing.T) {
		told := Alerts(writer(t, "en"), s, many(50, reports.Baseline, checks.CertExpired), reports.Beginning{Server: true})
		if len(told) != 1 || told[0].Kind != reports.Baseline || !told[0].Message.Silent {
			t.Errorf("%+v", told)
		}
	})
}

// What makes a sound: critical counts and critical names, and nothing else.
func TestSilence(t *testing.T) {
	w, s := writer(t, "en"), reports.Server{Name: "isp1"}
	incident := func(f checks.Finding) reports.Incident { return reports.Incident{Finding: f, Worst: f.Severity} }
	critical := incident(count(checks.PanelFailed, checks.Critical, 60))
	mild := critical
	mild.Worst = checks.Warning
	for _, tt := range []struct {
		name   string
		m      reports.Message
		silent bool
	}{
		{"critical", Alert(w, reports.Change{Kind: reports.Opened, Incident: critical}, s), false},
		{"warning", Alert(w, reports.Change{Kind: reports.Opened, Incident: incident(count(checks.PanelFailed, checks.Warning, 60))}, s), true},
		{"over that was critical", Alert(w, reports.Change{Kind: reports.Resolved, Incident: critical}, s), false},
		{"over that was a warning", Alert(w, reports.Change{Kind: reports.Resolved, Incident: mild}, s), true},
		{"an edit", Closed(w, reports.Message{Title: "was"}, critical), true},
		{"names, critical", Names(w, reports.Opened, []reports.Incident{incident(onSite("a.ru", checks.CertExpired))}), false},
		{"names, warning", Names(w, reports.Opened, []reports.Incident{incident(onSite("a.ru", checks.CertOverdue))}), true},
		{"names, over", Names(w, reports.Resolved, []reports.Incident{incident(onSite("a.ru", checks.CertExpired))}), true},
		{"storm", Storm(w, "isp1", 30, 100), false},
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
