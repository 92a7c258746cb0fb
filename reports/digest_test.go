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
			d := Day{Open: tt.open, Resolved: tt.resolved, From: noon.Add(-day)}
			if diff := cmp.Diff(tt.want, d.Movement(), cmp.AllowUnexported(Movement{})); diff != "" {
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
	if diff := cmp.Diff(map[checks.Code]int{checks.CADNS: 2}, d.Causes()); diff != "" {
		t.Error(diff)
	}
}
