package golden

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
	"domovoy/checks/suite"
	"domovoy/reports"
)

const day = 24 * time.Hour

// ago returns the time d before now.
func ago(d time.Duration) time.Time { return now.Add(-d) }

// house is a server with common problems.
func house() reports.Server {
	s := reports.Server{
		Name: "isp1", Read: ago(2 * time.Minute),
		Overdue:  reports.OverdueRule{LifeLeft: 7.0 / 90},
		Snapshot: checks.Snapshot{Server: "isp1", Sites: make([]checks.Site, 2000)},
		Opened:   reports.Since{},
	}
	s.Readings = readings(14, 47, 3, 12)
	return s
}

// readings returns the panel's counts, with the values of an hour and a day
// ago.
func readings(processing, failed, failing, overdue int) []reports.Reading {
	reading := func(code checks.Code, value, warn, critical, hour, day int) reports.Reading {
		t := reports.Threshold{Warn: warn, Critical: critical}
		return reports.Reading{
			Metric:    checks.Metric{Server: "isp1", Code: code, Value: value},
			Threshold: t, Severity: t.Level(value, checks.Healthy), Hour: &hour, Day: &day,
		}
	}
	return []reports.Reading{
		reading(checks.PanelProcessing, processing, 60, 100, 14, 11),
		reading(checks.PanelFailed, failed, 0, 50, failed, 49),
		reading(checks.PanelFailing, failing, 0, 21, 2, 9),
		reading(checks.PanelOverdue, overdue, 0, 20, overdue, overdue),
		reading(checks.PanelNoCertificate, 31, 0, 0, 31, 31),
		reading(checks.PanelNoRedirect, 1204, 0, 0, 1204, 1207),
	}
}

// words returns texts of issuance logs, by the cause that they mean.
func words() map[checks.Code]string {
	problem := func(kind, detail string) string {
		return "urn:ietf:params:acme:error:" + kind + " :: " + detail
	}
	const file = "http://shop.ru/.well-known/acme-challenge/Jx3bT0YvTWvKqkWl0rQ2fR1d"
	return map[checks.Code]string{
		checks.CAUnauthorized: problem("unauthorized", "198.51.100.7: Invalid response from "+file+": 404"),
		checks.CAConnection:   problem("connection", "198.51.100.7: Fetching "+file+": Timeout during connect (likely firewall problem)"),
		checks.CADNS:          problem("dns", "DNS problem: NXDOMAIN looking up A for shop.ru - check that a DNS record exists for this domain"),
		checks.CACAA:          problem("caa", "While processing CAA for shop.ru: CAA record for shop.ru prevents issuance"),
		checks.CATLS:          problem("tls", "198.51.100.7: Fetching https://shop.ru/: remote error: tls: handshake failure"),
		checks.CARemote:       problem("connection", "During secondary validation: 203.0.113.10: Fetching "+file+": Timeout during connect (likely firewall problem)"),
		checks.CARateLimited:  problem("rateLimited", `too many failed authorizations (5) for "shop.ru" in the last 1h0m0s, retry after 2026-11-21 11:40:00 UTC: see https://letsencrypt.org/docs/rate-limits/`),
		checks.CAPaused: problem("rateLimited", "Your account is temporarily prevented from requesting certificates for shop.ru and possibly others. "+
			"Please visit: https://portal.letsencrypt.org/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmVk"),
		checks.CABlocked:     problem("unauthorized", "Account is not valid, has status \"deactivated\""),
		checks.CARejected:    problem("rejectedIdentifier", `Error creating new order :: Cannot issue for "shop.ru": The ACME server refuses to issue a certificate for this domain name, because it is forbidden by policy`),
		checks.CAInternal:    problem("serverInternal", "Error finalizing order :: Unable to meet CA SCT embedding requirements"),
		checks.CAUnreachable: "Please refer to https://curl.haxx.se/libcurl/c/libcurl-errors.html for error code: 7",
		checks.CAClient:      problem("badNonce", "JWS has an invalid anti-replay nonce"),
		checks.Unknown:       "Error: something that no rule knows <yet> & never saw",
	}
}

// visit returns a site as "check" and "why" see it. The changes are made before
// the checks run.
func visit(changes ...func(*checks.Subject)) reports.Site {
	x := checks.Subject{
		Site: &checks.Site{
			Server: "isp1", ID: 1, Name: "shop.ru", Owner: "client17", Aliases: []string{"www.shop.ru", "*.shop.ru"},
			Certificate: "shop.ru_le3", Active: checks.On, Secure: checks.On, Redirect: checks.On,
		},
		Certificate: &checks.Certificate{Server: "isp1", ID: 9, Name: "shop.ru_le3", Domain: "shop.ru",
			Processing: checks.Off, Failed: checks.Off, Started: ago(40 * day)},
		File: &checks.CertificateFile{Issuer: "E7", NotBefore: ago(40 * day), NotAfter: ago(-50 * day)},
	}
	for _, change := range changes {
		change(&x)
	}
	s := house()
	s.Subjects = []checks.Subject{x}
	look(&s)
	return reports.Site{Server: s, Subject: x, Asked: x.Site.Name}
}

// classifier is made once: it has no state.
var classifier = sync.OnceValue(acme.NewClassifier)

// places has the panel's address, and that of a CDN.
func places() panel.Places {
	return panel.Places{Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.10")}, Proxy: func(a netip.Addr) string {
		if a == netip.MustParseAddr("104.16.1.1") {
			return "Cloudflare"
		}
		return ""
	}}
}

// look runs the checks on a server's sites, as each reading of the panel does.
func look(s *reports.Server) { lookKnowing(s, places()) }

// lookKnowing does so with other addresses known.
func lookKnowing(s *reports.Server, places panel.Places) {
	rules := cert.Rules{LifeLeft: s.Overdue.LifeLeft}
	files := slices.ContainsFunc(s.Subjects, func(x checks.Subject) bool { return x.File != nil || x.FileErr != nil })
	s.Outcome = new(suite.Series).Run(context.Background(), suite.Checks(suite.Reading{Rules: rules, Classifier: classifier(), Places: places, Files: files}, suite.Outside{}), s.Name, s.Subjects, now)
	for _, f := range s.Outcome.Findings {
		s.Opened.Add(incident(f, 49*day))
	}
}

// refused sets the CA's last answer and the number of failures.
func refused(code checks.Code, failures int) func(*checks.Subject) {
	return func(x *checks.Subject) {
		x.Certificate.Failed = checks.On
		x.History = &checks.History{
			Last:     checks.LastTry{Outcome: checks.OutcomeFailed, Time: ago(9*time.Hour + 53*time.Minute), Text: words()[code]},
			Failures: failures, Since: ago(49 * day), Issued: ago(130 * day),
		}
	}
}

// recovered makes the certificate one that was issued after failures.
func recovered(failures int) func(*checks.Subject) {
	return func(x *checks.Subject) {
		issued := ago(26 * time.Hour)
		x.History = &checks.History{
			Last: checks.LastTry{Outcome: checks.OutcomeIssued, Time: issued}, Issued: issued,
			Recovered: &checks.Recovery{Failures: failures, First: issued.Add(-time.Duration(failures) * 20 * time.Minute), Last: issued.Add(-20 * time.Minute), Text: words()[checks.CAUnauthorized]},
		}
	}
}

// valid sets the dates of the certificate's file.
func valid(since, left time.Duration) func(*checks.Subject) {
	return func(x *checks.Subject) {
		x.File = &checks.CertificateFile{Issuer: "E7", NotBefore: ago(since), NotAfter: now.Add(left)}
	}
}

// incident of a finding, of the given age.
func incident(f checks.Finding, age time.Duration) reports.Incident {
	value, _ := f.Args["value"].(int)
	i := reports.Incident{ID: 1, Finding: f, Peak: value, Worst: f.Severity, Notified: f.Severity}
	i.Times.Opened, i.Times.Seen = ago(age), now
	return i
}

// ended returns the incident as resolved now.
func ended(i reports.Incident) reports.Incident {
	i.Times.Resolved = now
	return i
}

// site returns the n-th name; every fifth is in Cyrillic.
func site(n int) string {
	if n%5 == 2 {
		name, err := checks.ToASCII(fmt.Sprintf("магазин%d.рф", n))
		if err != nil {
			panic(err)
		}
		return name
	}
	return fmt.Sprintf("site%02d.ru", n)
}
