package reports_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

// TestTurn compares a site's state with its current outage, and checks how the
// old one ends and what begins.
func TestTurn(t *testing.T) {
	at := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	free, expires := at.AddDate(0, 0, 20), at.AddDate(0, 0, 40)
	standing := func(code checks.Code, changes ...func(*reports.SiteState)) []reports.SiteState {
		s := reports.SiteState{Site: "a.ru", Owner: "anna", Code: code, Severity: code.Severity(), Expires: expires, Blind: code == checks.Unknown}
		for _, change := range changes {
			change(&s)
		}
		return []reports.SiteState{s}
	}
	owner := func(s *reports.SiteState) { s.Owner = "boris" }
	freed := func(s *reports.SiteState) { s.Free = free }
	blind := func(s *reports.SiteState) { s.Expires = time.Time{} }
	renewed := func(s *reports.SiteState) { s.Expires = expires.AddDate(0, 0, 60) }
	elsewhere := func(to string) func(*reports.SiteState) { return func(s *reports.SiteState) { s.To = to } }
	for _, tt := range []struct {
		name     string
		was, now []reports.SiteState // none: it is not on the panel
		want     string
	}{
		{"comes and is well", nil, standing(checks.OK), ""},
		{"comes and is not", nil, standing(checks.WebTimeout), "begins anna web.timeout"},
		{"not to be told how", nil, standing(checks.Unknown), ""},
		{"goes on", standing(checks.WebTimeout), standing(checks.WebTimeout), ""},
		{"goes on, nobody could look", standing(checks.WebTimeout), standing(checks.Unknown), ""},
		{"is fixed", standing(checks.WebTimeout), standing(checks.OK), "fixed"},
		{"fixed, under another owner", standing(checks.WebTimeout), standing(checks.OK, owner), "fixed"},
		{"leaves", standing(checks.WebTimeout), nil, "left"},
		{"another cause", standing(checks.WebTimeout), standing(checks.DNSElsewhere), "cause, begins anna dns.elsewhere"},
		{"another owner", standing(checks.WebTimeout), standing(checks.WebTimeout, owner), "owner, begins boris web.timeout"},
		{"another owner, nobody could look", standing(checks.WebTimeout), standing(checks.Unknown, owner), "owner, begins boris web.timeout"},
		{"more is known: free", standing(checks.DNSUndelegated), standing(checks.DNSUndelegated, freed), "facts, begins anna dns.undelegated free"},
		{"more is known: to whom", standing(checks.DNSElsewhere), standing(checks.DNSElsewhere, elsewhere("Beget")), "facts, begins anna dns.elsewhere to Beget"},
		{"another answer every day", standing(checks.DNSElsewhere, elsewhere("Beget")), standing(checks.DNSElsewhere, elsewhere("Selectel")), ""},
		{"renewed", standing(checks.WebTimeout), standing(checks.WebTimeout, renewed), "facts, begins anna web.timeout renewed"},
		{"its certificate could not be seen", standing(checks.WebTimeout), standing(checks.WebTimeout, blind), ""},
		{"less is known, and more", standing(checks.DNSUndelegated), standing(checks.DNSUndelegated, freed, blind), "facts, begins anna dns.undelegated free"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			began := at.AddDate(0, 0, -9)
			var open []reports.Outage
			for i, s := range reports.Diff(began, "isp1", nil, tt.was) {
				s.ID = int64(i + 1)
				open = append(open, s)
			}
			var got []string
			for _, s := range reports.Diff(at, "isp1", open, tt.now) {
				if s.ID != 0 {
					got = append(got, string(s.End))
					continue
				}
				line := fmt.Sprintf("begins %s %s", s.Owner, s.Code)
				if !s.Free.IsZero() {
					line += " free"
				}
				if s.To != "" {
					line += " to " + s.To
				}
				if s.Expires.After(expires) {
					line += " renewed"
				}
				if s.Expires.IsZero() {
					line += " without a certificate"
				}
				if len(open) > 0 && !s.Trouble.Equal(began) {
					t.Errorf("in trouble since %v, want since %v", s.Trouble, began)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
