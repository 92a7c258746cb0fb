package panel_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/panel"
)

// TestAccountFindsThatOrdersAreRefused has the CA refuse new orders of the
// account at many sites: one finding says so until the moment that the CA names.
func TestAccountFindsThatOrdersAreRefused(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	limited := func(site, limit string, args checks.Args) checks.Finding {
		f := checks.Finding{Site: site, Code: checks.CARateLimited, Args: checks.Args{"limit": limit}}
		maps.Copy(f.Args, args)
		return f
	}
	until := func(minutes int) checks.Args {
		return checks.Args{"until": now.Add(time.Duration(minutes) * time.Minute)}
	}
	failed := func(site string, ago time.Duration) checks.Subject {
		return checks.Subject{Site: &checks.Site{Name: site}, History: &checks.History{Last: checks.LastTry{Time: now.Add(-ago)}}}
	}
	for _, tt := range []struct {
		name     string
		findings []checks.Finding
		subjects []checks.Subject
		want     checks.Args // nil: nothing is found
	}{
		{"until the latest moment that the CA names", []checks.Finding{limited("a.ru", "new_orders", until(10)), limited("b.ru", "new_orders", until(95))}, nil,
			checks.Args{"value": 2, "refill": now.Add(95 * time.Minute)}},
		{"that moment is past", []checks.Finding{limited("a.ru", "new_orders", until(-1))}, nil, nil},
		{"of another limit", []checks.Finding{limited("a.ru", "certificates_per_domain", until(95))}, nil, nil},
		{"no moment is named, and it was just now", []checks.Finding{limited("a.ru", "new_orders", nil)}, []checks.Subject{failed("a.ru", time.Hour)}, checks.Args{"value": 1}},
		{"no moment is named, and it was long ago", []checks.Finding{limited("a.ru", "new_orders", nil)}, []checks.Subject{failed("a.ru", 4*time.Hour)}, nil},
		{"nothing is refused", nil, []checks.Subject{failed("a.ru", time.Hour)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := panel.Account().Run(t.Context(), &checks.Target{Server: "isp1", Now: now, Reading: &checks.Reading{Subjects: tt.subjects, Findings: tt.findings}})
			var got checks.Args
			for _, f := range found {
				got = f.Args
				if f.Code != checks.CABudget || f.Severity != checks.Critical || f.Site != "" {
					t.Errorf("%+v", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// TestDown has the CA fail at sites before noon.
func TestDown(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		failed int           // sites at which the CA failed
		owners int           // that have them
		ago    time.Duration // when it failed
		issued int           // sites that got a certificate
		then   time.Duration // when they got it
		want   bool
		err    bool // it is not known
	}{
		{"many sites of many owners", 5, 3, 10 * time.Minute, 0, 0, true, false},
		{"many sites of two owners", 50, 2, 10 * time.Minute, 0, 0, false, false},
		{"a few sites", 4, 4, 10 * time.Minute, 0, 0, false, false},
		{"as many got one meanwhile", 20, 10, 10 * time.Minute, 20, 20 * time.Minute, true, false},
		{"most got one meanwhile", 20, 10, 10 * time.Minute, 21, 20 * time.Minute, false, false},
		{"orders pass again", 20, 10, 5 * time.Minute, 3, time.Minute, false, false},
		{"one passed right after a failure", 20, 10, 5 * time.Minute, 1, time.Minute, true, false},
		{"one passed, and none failed for a while", 20, 10, 12 * time.Minute, 1, time.Minute, false, false},
		{"nobody ordered for an hour", 50, 20, time.Hour, 0, 0, false, true},
		{"nobody ordered for a day", 50, 20, 24 * time.Hour, 0, 0, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reading := &checks.Reading{}
			add := func(n int, outcome checks.AttemptOutcome, ago time.Duration) {
				site := fmt.Sprintf("s%d-%d.ru", outcome, n)
				reading.Subjects = append(reading.Subjects, checks.Subject{Site: &checks.Site{Name: site, Owner: fmt.Sprint("client", n%tt.owners)},
					History: &checks.History{Last: checks.LastTry{Outcome: outcome, Time: now.Add(-ago)}}})
				if h := reading.Subjects[len(reading.Subjects)-1].History; outcome == checks.OutcomeIssued {
					h.Issued = h.Last.Time
				}
				if outcome == checks.OutcomeFailed {
					reading.Subjects[len(reading.Subjects)-1].History.Since = now.Add(-ago - 15*time.Minute)
					reading.Findings = append(reading.Findings, checks.Finding{Site: site, Code: checks.CAInternal})
				}
			}
			for n := range tt.failed {
				add(n, checks.OutcomeFailed, tt.ago)
			}
			for n := range tt.issued {
				add(n, checks.OutcomeIssued, tt.then)
			}
			found, err := panel.Down("acme.example").Run(t.Context(), &checks.Target{Server: "isp1", Now: now, Reading: reading})
			if (err != nil) != tt.err || (len(found) == 1) != tt.want {
				t.Fatalf("%v %v", found, err)
			}
			if tt.want && (found[0].Code != checks.CADown || found[0].Args["value"] != tt.failed || found[0].Args["owners"] != tt.owners) {
				t.Errorf("%+v", found[0])
			}
		})
	}
}
