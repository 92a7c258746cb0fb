package reports

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// lasting is an incident of a site that opened age ago.
func lasting(age time.Duration, f checks.Finding) Incident {
	return Incident{Finding: f, Times: IncidentTimes{Opened: noon.Add(-age)}}
}

// over is an incident that was resolved an hour ago.
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
		want           Movement
	}{
		{"nothing", nil, nil, Movement{}},
		{"old trouble goes on", []Incident{lasting(3*day, late("a.ru"))}, nil, Movement{Now: 1, Before: 1}},
		{"new", []Incident{lasting(time.Hour, late("a.ru"))}, nil, Movement{Now: 1, Opened: 1}},
		{"fixed", nil, []Incident{over(lasting(3*day, late("a.ru")))}, Movement{Before: 1, Fixed: 1}},
		{"came and went within the day", nil, []Incident{over(lasting(2*time.Hour, late("a.ru")))}, Movement{}},
		{
			"a cause that changed is neither new nor fixed",
			[]Incident{lasting(time.Hour, dns("a.ru"))},
			[]Incident{over(lasting(3*day, late("a.ru")))},
			Movement{Now: 1, Before: 1},
		},
		{
			"two causes at once are one name",
			[]Incident{lasting(3*day, late("a.ru")), lasting(time.Hour, dns("a.ru"))}, nil,
			Movement{Now: 1, Before: 1},
		},
		{
			"fixed and broken again is neither",
			[]Incident{lasting(time.Hour, late("a.ru"))},
			[]Incident{over(lasting(3*day, late("a.ru")))},
			Movement{Now: 1, Before: 1},
		},
		{
			"a name is of its server",
			[]Incident{lasting(time.Hour, elsewhere)},
			[]Incident{over(lasting(3*day, late("a.ru")))},
			Movement{Now: 1, Before: 1, Opened: 1, Fixed: 1},
		},
		{"older than a month", []Incident{lasting(31*day, late("a.ru")), lasting(29*day, late("b.ru"))}, nil, Movement{Now: 2, Before: 2, Old: 1}},
		{"remarks are no trouble", []Incident{lasting(3*day, mild)}, []Incident{over(lasting(3*day, mild))}, Movement{}},
		{"nor is a count of the server", []Incident{lasting(3*day, count(checks.PanelFailed, checks.Critical, 60))}, nil, Movement{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Day{Servers: serversWith(tt.open), Open: tt.open, Resolved: tt.resolved, From: noon.Add(-day)}
			if diff := cmp.Diff(tt.want, d.Movement(), cmp.AllowUnexported(Movement{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// serversWith are two panels, read now, whose findings are those of the incidents.
func serversWith(open []Incident) []Server {
	servers := []Server{{Name: "isp1", Read: noon, Opened: Since{}}, {Name: "isp2", Read: noon, Opened: Since{}}}
	for i := range servers {
		s, known := &servers[i], map[string]bool{}
		for _, x := range open {
			if f := x.Finding; f.Server == s.Name {
				s.Outcome.Findings = append(s.Outcome.Findings, f)
				s.Opened.Add(x)
				if f.Site != "" && !known[f.Site] {
					known[f.Site] = true
					s.Subjects = append(s.Subjects, checks.Subject{Site: &checks.Site{Server: s.Name, Name: f.Site}})
				}
			}
		}
	}
	return servers
}

// What could not be looked at is neither fixed nor with problems, and a panel that
// was not read has no fixed sites.
func TestNotLookedAtIsNotFixed(t *testing.T) {
	old := lasting(3*day, onSite("a.ru", checks.CertOverdue))
	gone := old
	gone.Clear = 1
	for _, tt := range []struct {
		name   string
		change func(*Day)
		want   Movement
	}{
		{"looked at", func(*Day) {}, Movement{Before: 1, Fixed: 1}},
		{"could not be looked at", func(d *Day) {
			d.Servers[0].Outcome.Failures = []checks.Failure{{Check: checks.NamesCheck, Server: "isp1", Site: "a.ru"}}
		}, Movement{}},
		{"the panel was not read", func(d *Day) { d.Servers[0].Read = time.Time{} }, Movement{}},
	} {
		d := Day{Servers: serversWith([]Incident{gone}), Open: []Incident{gone}, From: noon.Add(-day)}
		d.Servers[0].Outcome.Findings = nil
		tt.change(&d)
		if diff := cmp.Diff(tt.want, d.Movement()); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// The causes add up to the names in trouble, also while a cause changes.
func TestDailyCausesAddUp(t *testing.T) {
	d := Day{From: noon.Add(-day), Servers: serversWith([]Incident{
		lasting(3*day, onSite("a.ru", checks.CertOverdue)), lasting(time.Hour, onSite("a.ru", checks.CADNS)), lasting(day, onSite("b.ru", checks.CADNS)),
	})}
	if diff := cmp.Diff(map[checks.Code]int{checks.CADNS: 2}, d.Causes()); diff != "" {
		t.Error(diff)
	}
}
