package reports

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// lasting is an incident of a site that opened so long ago.
func lasting(age time.Duration, f checks.Finding) Incident {
	return Incident{Finding: f, Times: IncidentTimes{Opened: noon.Add(-age)}}
}

// over is one that was resolved an hour ago.
func over(i Incident) Incident {
	i.Times.Resolved = noon.Add(-time.Hour)
	return i
}

func TestMovement(t *testing.T) {
	late := func(site string) checks.Finding { return onSite(site, checks.CertOverdue) }
	dns := func(site string) checks.Finding { return onSite(site, checks.CADNS) }
	mild := late("mild.ru")
	mild.Severity = checks.Info
	elsewhere := late("a.ru")
	elsewhere.Server = "isp2"
	tests := []struct {
		name           string
		open, resolved []Incident
		want           movement
	}{
		{"nothing", nil, nil, movement{}},
		{"old trouble goes on", []Incident{lasting(3*day, late("a.ru"))}, nil, movement{now: 1, before: 1}},
		{"new", []Incident{lasting(time.Hour, late("a.ru"))}, nil, movement{now: 1, opened: 1}},
		{"fixed", nil, []Incident{over(lasting(3*day, late("a.ru")))}, movement{before: 1, fixed: 1}},
		{"came and went within the day", nil, []Incident{over(lasting(2*time.Hour, late("a.ru")))}, movement{}},
		{
			"a cause that changed is neither new nor fixed",
			[]Incident{lasting(time.Hour, dns("a.ru"))},
			[]Incident{over(lasting(3*day, late("a.ru")))},
			movement{now: 1, before: 1},
		},
		{
			"two causes at once are one name",
			[]Incident{lasting(3*day, late("a.ru")), lasting(time.Hour, dns("a.ru"))}, nil,
			movement{now: 1, before: 1},
		},
		{
			"fixed and broken again is neither",
			[]Incident{lasting(time.Hour, late("a.ru"))},
			[]Incident{over(lasting(3*day, late("a.ru")))},
			movement{now: 1, before: 1},
		},
		{
			"a name is of its server",
			[]Incident{lasting(time.Hour, elsewhere)},
			[]Incident{over(lasting(3*day, late("a.ru")))},
			movement{now: 1, before: 1, opened: 1, fixed: 1},
		},
		{"older than a month", []Incident{lasting(31*day, late("a.ru")), lasting(29*day, late("b.ru"))}, nil, movement{now: 2, before: 2, old: 1}},
		{"remarks are no trouble", []Incident{lasting(3*day, mild)}, []Incident{over(lasting(3*day, mild))}, movement{}},
		{"nor is a count of the server", []Incident{lasting(3*day, count(checks.PanelFailed, checks.Critical, 60))}, nil, movement{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Day{Open: tt.open, Resolved: tt.resolved, From: noon.Add(-day)}
			if diff := cmp.Diff(tt.want, d.movement(), cmp.AllowUnexported(movement{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The causes add up to the names in trouble, also while a cause changes.
func TestDailyCausesAddUp(t *testing.T) {
	d := Day{From: noon.Add(-day), Open: []Incident{
		lasting(3*day, onSite("a.ru", checks.CertOverdue)), lasting(time.Hour, onSite("a.ru", checks.CADNS)), lasting(day, onSite("b.ru", checks.CADNS)),
	}}
	if diff := cmp.Diff([]tally{{checks.CADNS, 2}}, causes(d.codes()), cmp.AllowUnexported(tally{})); diff != "" {
		t.Error(diff)
	}
}

func TestDaily(t *testing.T) {
	w := writer(t, "en")
	server := Server{Name: "isp1", Read: noon}
	loud := server
	loud.Readings = []Reading{{Metric: checks.Metric{Code: checks.PanelFailed, Value: 60}, Severity: checks.Critical}}
	blind := server
	blind.Trouble = "locked"
	old := []Incident{lasting(3*day, onSite("a.ru", checks.CertOverdue))}
	long := noon.Add(-30 * day)
	const oldest = "\nOldest: a.ru, since 18 November — not renewed in time"
	logged := server
	logged.Subjects = []checks.Subject{{Site: &checks.Site{Name: "b.ru"}, History: &checks.History{Since: noon.Add(-40 * day)}}}
	tests := []struct {
		name  string
		day   Day
		title string
		text  string // of the first section
	}{
		{"quiet", Day{Servers: []Server{server}, Open: old, Begun: long},
			"Daily digest, 21 November · isp1 — nothing new in a day, 1 in trouble, as yesterday", ""},
		{"quiet, but a count is above its threshold", Day{Servers: []Server{loud}, Open: old, Begun: long},
			"Daily digest, 21 November · isp1", "In trouble: 1 (±0): 0 new, 0 fixed, 0 older than a month" + oldest},
		{"quiet, but a panel cannot be read", Day{Servers: []Server{blind}, Open: old, Begun: long},
			"Daily digest, 21 November · isp1", "In trouble: 1 (±0): 0 new, 0 fixed, 0 older than a month" + oldest},
		{"moved", Day{Servers: []Server{server, {Name: "isp2"}}, Begun: long,
			Open: append(old, lasting(time.Hour, onSite("b.ru", checks.CADNS)), lasting(time.Hour, onSite("c.ru", checks.CADNS)))},
			"Daily digest, 21 November · isp1, isp2", "In trouble: 3 (+2): 2 new, 0 fixed, 0 older than a month" + oldest},
		{"first day", Day{Servers: []Server{server}, Open: old, Begun: noon.Add(-time.Hour)},
			"Daily digest, 21 November · isp1", "In trouble: 1. The watch is younger than a day: nothing to compare with yet." + oldest},
		{"never begun", Day{Servers: []Server{server}},
			"Daily digest, 21 November · isp1", "How many sites are in trouble is not known yet: the watch begins once domovoy run has read the panel."},
		{"the log knows since when", Day{Servers: []Server{logged}, Open: append(old, lasting(time.Hour, onSite("b.ru", checks.CADNS))), Begun: long},
			"Daily digest, 21 November · isp1", "In trouble: 2 (+1): 1 new, 0 fixed, 1 older than a month\n" +
				"Oldest: b.ru, since 12 October — DNS gave the CA no usable answer"},
		{"late", Day{Servers: []Server{loud}, Begun: long, Due: noon.Add(-3 * time.Hour)},
			"Daily digest, 21 November · isp1", "This digest was due today at 09:00, when I was not running. In trouble: 0 (±0): 0 new, 0 fixed, 0 older than a month"},
		{"a few minutes are not late", Day{Servers: []Server{loud}, Begun: long, Due: noon.Add(-9 * time.Minute)},
			"Daily digest, 21 November · isp1", "In trouble: 0 (±0): 0 new, 0 fixed, 0 older than a month"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.day.From = noon.Add(-day)
			m := w.Daily(tt.day)
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

// Certificates that end within a day, of sites that are served.
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
	d := Day{Servers: []Server{{Subjects: []checks.Subject{
		subject("tomorrow.ru", 24*time.Hour), subject("soon.ru", time.Hour), subject("gone.ru", 0), subject("later.ru", 24*time.Hour+time.Second),
		off, plain, self, unread, unsure,
	}}}}
	var got []string
	for _, i := range writer(t, "en").burning(d).Items {
		got = append(got, i.Text+", "+i.Note)
	}
	want := []string{"soon.ru, today at 13:00", "unsure.ru, today at 14:00", "tomorrow.ru, tomorrow at 12:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
