package compose

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

// lasting is an incident of a site that opened age ago.
func lasting(age time.Duration, f checks.Finding) reports.Incident {
	f.Server = "isp1"
	return reports.Incident{Finding: f, Times: reports.IncidentTimes{Opened: noon.Add(-age)}}
}

// with is the day with the sites and findings of its open incidents on the first
// panel.
func with(d reports.Day) reports.Day {
	s := d.Servers[0]
	s.Subjects, s.Opened = slices.Clone(s.Subjects), reports.Since{}
	for _, i := range d.Open {
		s.Opened.Add(i)
		s.Outcome.Findings = append(s.Outcome.Findings, i.Finding)
		if _, known := s.Find(i.Finding.Site); !known {
			s.Subjects = append(s.Subjects, checks.Subject{Site: &checks.Site{Name: i.Finding.Site}})
		}
	}
	d.Servers = append([]reports.Server{s}, d.Servers[1:]...)
	return d
}

func TestDaily(t *testing.T) {
	w := writer(t, "en")
	server := reports.Server{Name: "isp1", Read: noon}
	loud := server
	loud.Readings = []reports.Reading{{Metric: checks.Metric{Code: checks.PanelFailed, Value: 60}, Severity: checks.Critical}}
	blind := server
	blind.Trouble = "locked"
	old := []reports.Incident{lasting(3*day, onSite("a.ru", checks.CertOverdue))}
	long := noon.Add(-30 * day)
	const oldest = "\nOldest problem: a.ru — not renewed in time, since 18 November"
	logged := server
	logged.Subjects = []checks.Subject{{Site: &checks.Site{Name: "b.ru"}, History: &checks.History{Since: noon.Add(-40 * day)}}}
	tests := []struct {
		name  string
		day   reports.Day
		title string
		text  string // of the first section
	}{
		{"quiet", reports.Day{Servers: []reports.Server{server}, Open: old, Begun: long},
			"Daily digest, 21 November · isp1 — nothing new since yesterday, sites with problems: 1, as yesterday", ""},
		{"quiet, but a count is above its threshold", reports.Day{Servers: []reports.Server{loud}, Open: old, Begun: long},
			"Daily digest, 21 November · isp1", "Sites with problems: 1 (±0 since yesterday), 0 new, 0 fixed, 0 for more than a month" + oldest},
		{"quiet, but a panel cannot be read", reports.Day{Servers: []reports.Server{blind}, Open: old, Begun: long},
			"Daily digest, 21 November · isp1", "Sites with problems: 1 (±0 since yesterday), 0 new, 0 fixed, 0 for more than a month" + oldest},
		{"moved", reports.Day{Servers: []reports.Server{server, {Name: "isp2"}}, Begun: long,
			Open: append(old, lasting(time.Hour, onSite("b.ru", checks.CADNS)), lasting(time.Hour, onSite("c.ru", checks.CADNS)))},
			"Daily digest, 21 November · isp1, isp2", "Sites with problems: 3 (+2 since yesterday), 2 new, 0 fixed, 0 for more than a month" + oldest},
		{"first day", reports.Day{Servers: []reports.Server{server}, Open: old, Begun: noon.Add(-time.Hour)},
			"Daily digest, 21 November · isp1", "Sites with problems: 1. Monitoring started less than a day ago, so there is nothing to compare with yet." + oldest},
		{"never begun", reports.Day{Servers: []reports.Server{server}},
			"Daily digest, 21 November · isp1", "The number of sites with problems is not known yet: monitoring starts when domovoy run has read the panel."},
		{"the log knows since when", reports.Day{Servers: []reports.Server{logged}, Open: append(old, lasting(time.Hour, onSite("b.ru", checks.CADNS))), Begun: long},
			"Daily digest, 21 November · isp1", "Sites with problems: 2 (+1 since yesterday), 1 new, 0 fixed, 1 for more than a month\n" +
				"Oldest problem: b.ru — DNS lookup by the CA failed, since 12 October"},
		{"late", reports.Day{Servers: []reports.Server{loud}, Begun: long, Due: noon.Add(-3 * time.Hour)},
			"Daily digest, 21 November · isp1", "This digest was due today at 09:00, but I was not running then. Sites with problems: 0 (±0 since yesterday), 0 new, 0 fixed, 0 for more than a month"},
		{"a few minutes are not late", reports.Day{Servers: []reports.Server{loud}, Begun: long, Due: noon.Add(-9 * time.Minute)},
			"Daily digest, 21 November · isp1", "Sites with problems: 0 (±0 since yesterday), 0 new, 0 fixed, 0 for more than a month"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.day.From = noon.Add(-day)
			m := Daily(w, with(tt.day))
			if m.Title != tt.title {
				t.Errorf("title %q,\nwant  %q", m.Title, tt.title)
			}
			text := ""
			if len(m.Sections) > 0 {
				text = m.Sections[0].Text
			}
			if text != tt.text {
				t.Errorf("text %q,\nwant %q", text, tt.text)
			}
			for i, s := range m.Sections {
				if s.Heading == "" && s.Text == "" && len(s.Items) == 0 {
					t.Errorf("section %d is empty", i)
				}
			}
		})
	}
}

// Certificates of served sites that expire within a day.
func TestBurning(t *testing.T) {
	subject := func(name string, left time.Duration) checks.Subject {
		return checks.Subject{
			Site: &checks.Site{Name: name, Active: checks.On, Secure: checks.On},
			File: &checks.CertificateFile{NotBefore: noon.Add(-80 * day), NotAfter: noon.Add(left)},
		}
	}
	off, plain, self, unread := subject("off.ru", time.Hour), subject("plain.ru", time.Hour), subject("self.ru", time.Hour), subject("unread.ru", time.Hour)
	off.Site.Active, plain.Site.Secure, self.File.SelfSigned, unread.File = checks.Off, checks.Off, true, nil
	unsure := subject("unsure.ru", 2*time.Hour)
	unsure.Site.Active = checks.Unset // not known to be off
	d := reports.Day{Servers: []reports.Server{{Read: noon, Subjects: []checks.Subject{
		subject("tomorrow.ru", 24*time.Hour), subject("soon.ru", time.Hour), subject("gone.ru", 0), subject("later.ru", 24*time.Hour+time.Second),
		off, plain, self, unread, unsure,
	}}}}
	var got []string
	for _, i := range expiringSoon(writer(t, "en"), d).Items {
		got = append(got, i.Text+", "+i.Note)
	}
	want := []string{"soon.ru, today at 13:00", "unsure.ru, today at 14:00", "tomorrow.ru, tomorrow at 12:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
