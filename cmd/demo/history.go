package main

import (
	"context"
	"errors"
	"hash/fnv"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/lab"
	"domovoy/cmd/internal/app"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// historyDays is how far back the demo's reports go: the chart of a quarter, and the
// week before it.
const historyDays = (reports.QuarterWeeks + 2) * 7

// facts are what is true of the sample's sites: from them come the dates of what
// the bot finds, and the weeks before.
type facts struct {
	now   time.Time
	sites map[string]lab.Truth // by name, as an A-label
	zones map[string]time.Time // since when a registered domain as a whole has a trouble
}

func newFacts(truths []lab.Truth, now time.Time) facts {
	f := facts{now: now, sites: map[string]lab.Truth{}, zones: map[string]time.Time{}}
	for _, t := range truths {
		f.sites[ascii(t.Site.Name)] = t
	}
	for _, d := range domainsOf(truths) {
		f.zones[d.name] = d.since
	}
	return f
}

// midnight returns the beginning of the day some days ago.
func (f facts) midnight(back int) time.Time {
	return time.Date(f.now.Year(), f.now.Month(), f.now.Day()-back, 0, 0, 0, 0, f.now.Location())
}

// began returns when what was found on a site began; zero: nobody knows.
func (f facts) began(found checks.Finding) time.Time {
	truth := f.sites[found.Site]
	ends, _ := found.Args["at"].(time.Time)
	kind, _, _ := strings.Cut(string(found.Code), ".")
	switch {
	case found.Code == checks.CertExpired:
		return ends
	case found.Code == checks.CertOverdue && !ends.IsZero():
		return ends.AddDate(0, 0, -7)
	case found.Code == checks.CertExpiring && !ends.IsZero():
		return ends.AddDate(0, 0, -3)
	case kind == "ca":
		return truth.Failing
	case found.Code == checks.CertUntrusted: // the panel's own, made with the site
		return truth.Issued
	case found.Code == checks.CertMissing, found.Code == checks.CertKeyMismatch: // the files were good once
		return truth.Issued.Add(f.now.Sub(truth.Issued) * time.Duration(10+hash(found.Site)%80) / 100)
	case kind != "dns" && kind != "web":
		return time.Time{}
	case !truth.Since.IsZero():
		return truth.Since
	}
	return f.zones[registered(found.Site)]
}

// sound returns what checks from outside find of the sites that are in order:
// nothing.
func (f facts) sound(at time.Time) map[string]checks.Probe {
	ran := []string{checks.NamesCheck, checks.WayCheck, cert.ServedCheck, acme.EgressCheck, cert.KeysCheck}
	results := map[string]checks.Probe{}
	for name, t := range f.sites {
		if t.Sound && f.zones[registered(name)].IsZero() {
			results[name] = checks.Probe{At: at, Checks: ran, Served: checks.Validity{NotBefore: t.Issued.Add(-time.Hour), NotAfter: t.Expires}}
		}
	}
	return results
}

// addHistory gives the panel the weeks before: a snapshot for each midnight, and
// the incidents that are over. Present troubles are in it since they began, and
// some healthy sites had troubles before.
func (f facts) addHistory(ctx context.Context, a *app.App) error {
	snapshots, err := a.Standings(ctx)
	if err != nil {
		return err
	}
	over := map[string]reports.Incident{}
	for _, s := range snapshots {
		for _, x := range s.States {
			if i, had := f.earlier(s.Server, x); had {
				over[x.Site] = i
			}
		}
	}
	for back := historyDays; back >= 0; back-- {
		for _, s := range snapshots {
			if err := a.Remember(ctx, snapshotBefore(s, f.midnight(back), over)); err != nil {
				return err
			}
		}
	}
	var list []reports.Incident
	for _, s := range snapshots { // not the map: the order must be the same every time
		for _, x := range s.States {
			if i, had := over[x.Site]; had {
				list = append(list, i)
			}
		}
	}
	return errors.Join(a.Past(ctx, list), f.addCounts(ctx, a, list))
}

// snapshotBefore returns the snapshot of a midnight.
func snapshotBefore(s journal.Snapshot, at time.Time, over map[string]reports.Incident) journal.Snapshot {
	s.At, s.Unknown = at, 0
	was := make([]reports.SiteState, len(s.States))
	for i, x := range s.States {
		past, had := over[x.Site]
		switch {
		case had && !past.Times.Opened.After(at) && past.Times.Resolved.After(at):
			x.Code, x.Severity, x.Since = past.Finding.Code, past.Finding.Severity, past.Times.Opened
		case x.Severity >= checks.Warning && x.Since.After(at):
			x.Code, x.Severity, x.Since = checks.OK, checks.Healthy, time.Time{}
		}
		was[i] = x
	}
	s.States = was
	return s
}

// earlier returns the trouble that a healthy site had before, if it had one. It
// was over when the present certificate was issued, or began after that. It
// depends only on the name, so that each run of the demo is the same.
func (f facts) earlier(server string, x reports.SiteState) (reports.Incident, bool) {
	n, issued := int(hash(x.Site)), f.sites[x.Site].Issued
	if x.Code != checks.OK || n%9 != 0 || issued.IsZero() {
		return reports.Incident{}, false
	}
	found := checks.Finding{Check: checks.NamesCheck, Server: server, Site: x.Site, Code: []checks.Code{checks.DNSElsewhere, checks.DNSNoAddress}[n/9%2]}
	found.Severity = found.Code.Severity()
	i := reports.Incident{Finding: found, Worst: found.Severity}
	i.Times.Opened = f.midnight(3 + n/18%(historyDays-3)).Add(time.Duration(n/7%24) * time.Hour)
	i.Times.Resolved = i.Times.Opened.AddDate(0, 0, 1+n/31%20)
	if i.Times.Opened.Before(issued) && i.Times.Resolved.After(issued) {
		i.Times.Resolved = issued
	}
	i.Times.Seen = i.Times.Resolved
	return i, i.Times.Resolved.Before(f.now)
}

// hash returns the same number for the same name.
func hash(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum32() >> 1
}
