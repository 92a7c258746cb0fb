package panel

import (
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestFlags(t *testing.T) {
	on, off, unset := checks.On, checks.Off, checks.Unset
	for _, tt := range []struct {
		active, secure, redirect checks.Flag
		want                     string
	}{
		{on, on, on, ""}, {on, off, on, "panel.nocertificate"}, {on, on, off, "panel.noredirect"},
		{on, off, off, "panel.nocertificate panel.noredirect"}, {on, unset, unset, ""}, {off, off, off, ""}, {unset, off, off, ""},
	} {
		found, err := Flags().Run(t.Context(), checks.Subject{Site: checks.Site{Active: tt.active, Secure: tt.secure, Redirect: tt.redirect}})
		var codes []string
		for _, f := range found {
			codes = append(codes, string(f.Code))
		}
		if got := strings.Join(codes, " "); got != tt.want || err != nil {
			t.Errorf("%v: %q, %v", tt, got, err)
		}
	}
}

func TestIssuing(t *testing.T) {
	classify := func(text string) (checks.Code, checks.Args) {
		if text == "NXDOMAIN" {
			return checks.CADNS, checks.Args{"problem": text}
		}
		return "", nil
	}
	failed := func(age time.Duration, text string) *checks.History {
		return &checks.History{Failures: 3, Last: checks.Attempt{Outcome: checks.OutcomeFailed, Time: noon.Add(-age), Text: text}}
	}
	issued := failed(time.Hour, "NXDOMAIN")
	issued.Last.Outcome = checks.OutcomeIssued
	for _, tt := range []struct {
		name    string
		history *checks.History
		row     *checks.Certificate
		want    checks.Code
	}{
		{"no log", nil, nil, ""},
		{"failed lately", failed(time.Hour, "NXDOMAIN"), nil, checks.CADNS},
		{"words that no rule knows", failed(time.Hour, "?"), nil, checks.Unknown},
		{"issued since", issued, nil, ""},
		{"three days ago", failed(72*time.Hour, "NXDOMAIN"), nil, checks.CADNS},
		{"longer ago", failed(72*time.Hour+time.Second, "NXDOMAIN"), nil, ""},
		{"longer ago, and given up", failed(90*day, "NXDOMAIN"), &checks.Certificate{Failed: checks.On}, checks.CADNS},
		{"longer ago, and trying", failed(90*day, "NXDOMAIN"), &checks.Certificate{Processing: checks.On}, checks.CADNS},
		{"longer ago, and neither", failed(90*day, "NXDOMAIN"), &checks.Certificate{Processing: checks.Off}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := Issuing(classify, noon).Run(t.Context(), checks.Subject{History: tt.history, Certificate: tt.row})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(found) > 0 {
					t.Errorf("%+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Code != tt.want || found[0].Detail != tt.history.Last.Text || found[0].Args["failures"] != 3 {
				t.Errorf("%+v, want %s", found, tt.want)
			}
		})
	}
}

// The patience is two days and five times the usual distance of two lines.
func TestStale(t *testing.T) {
	for _, tt := range []struct {
		name         string
		certificates int
		silent       time.Duration
		stale        bool
	}{
		{"a big panel writes all day", 3000, 2*day + 2*time.Hour, false},
		{"and two days and a half of silence are too much", 3000, 2*day + 12*time.Hour, true},
		{"a small one may be silent for weeks", 20, 17 * day, false},
		{"but not for longer", 20, 17*day + time.Second, true},
		{"one certificate", 1, 300 * day, false},
		{"no certificates", 0, 900 * day, false},
	} {
		s := checks.Snapshot{Server: "isp1", Certificates: make([]checks.Certificate, tt.certificates)}
		if got := Stale(s, noon.Add(-tt.silent), noon); len(got) > 0 != tt.stale {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	if got := Stale(checks.Snapshot{Certificates: make([]checks.Certificate, 5)}, time.Time{}, noon); got != nil {
		t.Errorf("a panel without a log cannot be judged: %+v", got)
	}
}
