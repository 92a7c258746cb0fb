package reports

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/suite"
)

// ending is a certificate of ninety days with the given number of days left.
func ending(days int) checks.Validity {
	end := noon.Add(time.Duration(days) * day)
	return checks.Validity{NotBefore: end.Add(-90 * day), NotAfter: end}
}

// A bundle that browsers would not trust is in the panel's folder; whether
// visitors get it is known from the handshake alone.
func TestServedChainDecides(t *testing.T) {
	until := ending(60).NotAfter
	bundle := checks.Finding{Check: fileCheck, Server: "isp1", Site: "a.ru", Code: checks.CertUntrusted, Severity: checks.Warning,
		Args: checks.Args{"reason": "incomplete", "until": until}}
	standIn := bundle
	standIn.Args = checks.Args{"issuer": "a.ru"}
	for _, tt := range []struct {
		name    string
		finding checks.Finding
		served  checks.Validity
		dropped bool
	}{
		{"nobody looked", bundle, checks.Validity{}, false},
		{"the same certificate is served", bundle, ending(60), true},
		{"another one is served", bundle, ending(50), false},
		{"a stand-in in the file is no chain", standIn, ending(60), false},
	} {
		s := Server{Name: "isp1", Read: noon}.WithProbe("a.ru", checks.Probe{At: noon, Served: tt.served})
		if left := s.NotSuperseded([]checks.Finding{tt.finding}); (len(left) == 0) != tt.dropped {
			t.Errorf("%s: %+v", tt.name, left)
		}
	}
}

// A certificate that is served and was issued after the failures ends them,
// unless the panel itself still counts them.
func TestServedAfterFailures(t *testing.T) {
	for _, tt := range []struct {
		name    string
		failed  time.Duration // before now
		stuck   bool
		served  checks.Validity
		dropped bool
	}{
		{"nobody looked", 5 * day, false, checks.Validity{}, false},
		{"issued after them", 5 * day, false, ending(88), true},
		{"issued after them, and the panel has given up", 5 * day, true, ending(88), false},
		{"issued before them", 5 * day, false, ending(60), false},
	} {
		f := checks.Finding{Check: issuingCheck, Server: "isp1", Site: "a.ru", Code: checks.CADNS, Severity: checks.Warning,
			Args: checks.Args{"failures": 4, "last": noon.Add(-tt.failed), "stuck": tt.stuck}}
		s := Server{Name: "isp1", Read: noon}.WithProbe("a.ru", checks.Probe{At: noon, Served: tt.served})
		if left := s.NotSuperseded([]checks.Finding{f}); (len(left) == 0) != tt.dropped {
			t.Errorf("%s: %+v", tt.name, left)
		}
	}
}

// What is served takes precedence over the file, and the file over the panel's
// row.
func TestTruthOrder(t *testing.T) {
	of := func(v checks.Validity) *checks.CertificateFile {
		return &checks.CertificateFile{NotBefore: v.NotBefore, NotAfter: v.NotAfter}
	}
	row := func(days int) *checks.Certificate {
		return &checks.Certificate{Name: "a.ru_le1", Started: ending(days).NotBefore, Processing: checks.Off, Failed: checks.Off}
	}
	seen := func(at time.Duration, v checks.Validity, codes ...checks.Code) *checks.Probe {
		l := checks.Probe{At: noon.Add(-at), Checks: []string{cert.ServedCheck}, Served: v}
		for _, c := range codes {
			l.Findings = append(l.Findings, checks.Finding{Check: cert.ServedCheck, Server: "isp1", Site: "a.ru", Code: c,
				Severity: c.Severity(), Args: checks.Args{"at": v.NotAfter}})
		}
		return &l
	}
	refused := seen(0, checks.Validity{})
	refused.Failures = []checks.Failure{{Check: cert.ServedCheck, Server: "isp1", Site: "a.ru", Err: "refused"}}
	none := time.Time{}
	for _, tt := range []struct {
		name    string
		file    *checks.CertificateFile
		row     *checks.Certificate
		look    *checks.Probe
		verdict checks.Code
		dated   []checks.Code // findings about dates
		ends    time.Time     // of the certificate of the first of these
		counts  int           // in panel.overdue
	}{
		{"the file is over, a newer one is served", of(ending(-3)), nil, seen(0, ending(60)),
			checks.OK, nil, none, 1},
		{"the file is late, a newer one is served", of(ending(5)), nil, seen(0, ending(60)),
			checks.OK, nil, none, 1},
		{"the row is late, a newer one is served", nil, row(5), seen(0, ending(60)),
			checks.OK, nil, none, 1},
		{"the file is new, the old one is served", of(ending(80)), nil, seen(0, ending(5), checks.CertNotInstalled, checks.CertOverdue),
			checks.CertNotInstalled, []checks.Code{checks.CertOverdue}, ending(5).NotAfter, 0},
		{"the file is over, and an older one is served", of(ending(-3)), nil, seen(0, ending(-30), checks.CertExpired, checks.CertOverdue),
			checks.CertExpired, []checks.Code{checks.CertExpired, checks.CertOverdue}, ending(-30).NotAfter, 1},
		{"both are one", of(ending(5)), nil, seen(0, ending(5), checks.CertOverdue),
			checks.CertOverdue, []checks.Code{checks.CertOverdue}, ending(5).NotAfter, 1},
		{"both are one, which is late since the look", of(ending(5)), nil, seen(3*day, ending(5)),
			checks.CertOverdue, []checks.Code{checks.CertOverdue}, ending(5).NotAfter, 1},
		{"a newer one was served, which is over since the look", of(ending(-3)), nil, seen(5*day, ending(-1)),
			checks.CertExpired, []checks.Code{checks.CertExpired, checks.CertOverdue}, ending(-3).NotAfter, 1},
		{"nothing is served that could be seen", of(ending(-3)), nil, refused,
			checks.CertExpired, []checks.Code{checks.CertExpired, checks.CertOverdue}, ending(-3).NotAfter, 1},
		{"nobody looked at what is served", of(ending(-3)), nil, nil,
			checks.CertExpired, []checks.Code{checks.CertExpired, checks.CertOverdue}, ending(-3).NotAfter, 1},
		{"both are one, which is not valid yet", of(ending(91)), nil, seen(0, ending(91), checks.CertNotYet),
			checks.CertNotYet, []checks.Code{checks.CertNotYet}, ending(91).NotAfter, 0},
		{"the file is not valid yet, an older one is served", of(ending(91)), nil, seen(0, ending(60)),
			checks.CertNotYet, []checks.Code{checks.CertNotYet}, ending(91).NotBefore, 0},
		{"the file outdoes the row", of(ending(60)), row(-3), nil,
			checks.OK, nil, none, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "a.ru", Certificate: "a.ru_le1", Active: checks.On, Secure: checks.On, Redirect: checks.On},
				File: tt.file, Certificate: tt.row}
			s := Server{Name: "isp1", Read: noon, Subjects: []checks.Subject{x}}
			s.Outcome = new(suite.Series).Run(t.Context(), suite.Checks(suite.Reading{Rules: cert.Rules{LifeLeft: 7.0 / 90}, Classifier: acme.NewClassifier(), Files: tt.file != nil}, suite.Outside{}), "isp1", s.Subjects, noon)
			if tt.look != nil {
				s = s.WithProbe("a.ru", *tt.look)
			}
			if v := (Site{Server: s, Subject: x}).Verdict(); v.Code != tt.verdict {
				t.Errorf("the verdict is %s, want %s", v.Code, tt.verdict)
			}
			for place, of := range map[string]Server{"alone": s, "by site": s.BySite()("a.ru")} {
				dates := slices.DeleteFunc(of.Findings("a.ru"), func(f checks.Finding) bool { return !dated(f.Code) })
				var codes []checks.Code
				for _, f := range dates {
					codes = append(codes, f.Code)
				}
				if diff := cmp.Diff(tt.dated, codes); diff != "" {
					t.Errorf("%s:\n%s", place, diff)
				} else if len(dates) > 0 && dates[0].Args["at"] != tt.ends {
					t.Errorf("%s: it is about the one that ends %v, want %v", place, dates[0].Args["at"], tt.ends)
				}
			}
			incidents := Causes(checks.Outcome{Findings: s.NotSuperseded(s.Outcome.Findings)}, Verdicts(checks.Outcome{Findings: s.NotSuperseded(s.Outcome.Findings)}, s.Subjects))
			if tt.verdict == checks.OK && len(incidents) > 0 {
				t.Errorf("incidents of a site that is well: %+v", incidents)
			}
			if rows := s.List("overdue"); len(rows) != tt.counts {
				t.Errorf("%d rows in the list of the overdue, want %d", len(rows), tt.counts)
			}
		})
	}
}
