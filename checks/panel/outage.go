package panel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// OutageCheck is the name of the check in outcomes and failures.
const OutageCheck = "outage"

// CAArg is the argument of ca.down that names the CA.
const CAArg = "ca"

// The CA counts as down when, within an hour, it failed at so many sites of so
// many owners, and since the first of these at no fewer than it issued for: a
// single failure of the CA is retried and forgotten.
const (
	downWithin = time.Hour
	downSites  = 5
	downOwners = 3
)

// An outage is over when so many orders passed after its last failure, or one,
// and none failed for a while.
const (
	passedOrders = 3
	passedFor    = 10 * time.Minute
)

// outageUnknown is how long after the last failure it is still open whether the
// CA works again, if nobody placed an order since.
const outageUnknown = 24 * time.Hour

// chronic is how long a site may have been failing before its first failure is
// that of another cause.
const chronic = 24 * time.Hour

// errNoOrders is why the end of an outage is not known.
var errNoOrders = errors.New("no order was placed since the CA failed last")

// Outage is a time in which the CA itself fails: many sites of many owners fail
// by its own faults. The zero Outage is none.
type Outage struct {
	From, To time.Time       // the first and the last failure
	Sites    map[string]bool // that failed in it, also those that have a certificate by now
	Waiting  int             // of these, those that have none
	Owners   int             // of Sites
	Passed   int             // sites that got a certificate since To
}

// Over reports whether orders pass again. It is an error if none was placed for
// so long that nobody knows.
func (o Outage) Over(now time.Time) (bool, error) {
	quiet := now.Sub(o.To)
	switch {
	case o.From.IsZero(), o.Passed >= passedOrders, o.Passed > 0 && quiet >= passedFor, quiet >= outageUnknown:
		return true, nil
	case quiet >= downWithin:
		return false, errNoOrders
	}
	return false, nil
}

// Down finds that the CA itself fails. One finding of the server stands for what
// it does to the sites: the cause is above all of them. ca names the CA, so that
// servers of the same one can be told by it; it may be empty.
func Down(ca string) checks.Check {
	return checks.Check{
		Name:  OutageCheck,
		Scope: checks.ScopeServer,
		Codes: []checks.Code{checks.CADown},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			o := FindOutage(t.Reading.Subjects, t.Reading.Findings)
			over, err := o.Over(t.Now)
			if over || err != nil {
				return nil, err
			}
			return []checks.Finding{finding(checks.CADown, checks.Args{"value": o.Waiting, "owners": o.Owners, "since": o.From, CAArg: ca})}, nil
		},
	}
}

// fault is what the CA's own faults did to one site.
type fault struct {
	site, owner string
	times       []time.Time // of failures, as far as they are known
	waiting     bool        // nothing was issued since
}

// FindOutage returns the last outage that the issuance log of a panel shows, by
// the findings of its sites.
func FindOutage(subjects []checks.Subject, found []checks.Finding) Outage {
	faults := faultsOf(subjects, found)
	var times []time.Time
	for _, f := range faults {
		times = append(times, f.times...)
	}
	if len(times) < downSites {
		return Outage{}
	}
	slices.SortFunc(times, time.Time.Compare)
	to := times[len(times)-1]
	from := to
	for _, at := range slices.Backward(times) {
		if from.Sub(at) > downWithin {
			break // what failed before failed for itself
		}
		from = at
	}
	o := Outage{From: from, To: to, Sites: map[string]bool{}}
	owners, failed, lately := map[string]bool{}, 0, map[string]bool{} // failed and lately: within an hour
	for _, f := range faults {
		last := f.times[len(f.times)-1]
		if last.Before(from) {
			continue
		}
		o.Sites[f.site], owners[f.owner] = true, true
		if f.waiting {
			o.Waiting++
		}
		if to.Sub(last) < downWithin {
			failed, lately[f.owner] = failed+1, true
		}
	}
	o.Owners = len(owners)
	issued := 0
	for _, x := range subjects {
		switch h := x.History; {
		case h == nil || h.Issued.IsZero():
		case h.Issued.After(to):
			o.Passed++
		case !h.Issued.Before(from):
			issued++
		}
	}
	if failed < downSites || len(lately) < downOwners || failed < issued {
		return Outage{}
	}
	return o
}

// faultsOf gathers the failures of sites that were the CA's own. That the CA does
// not answer at all may be our network's fault: it counts where a connection was
// made, or where the CA answered other sites, with a fault of its own.
func faultsOf(subjects []checks.Subject, found []checks.Finding) []fault {
	own, silent := map[string]bool{}, map[string]bool{}
	for i := range found {
		switch f := &found[i]; {
		case causeOf(f) == checks.CAInternal, causeOf(f) == checks.CAUnreachable && unanswered(f.Detail):
			own[f.Site] = true
		case causeOf(f) == checks.CAUnreachable:
			silent[f.Site] = true
		}
	}
	if len(own)+len(silent) < downSites {
		return nil // nearly always
	}
	var faults []fault
	for _, x := range subjects {
		h := x.History
		if h == nil || !own[x.Site.Name] && !silent[x.Site.Name] || len(own) < downOwners && !own[x.Site.Name] {
			continue
		}
		f := fault{site: x.Site.Name, owner: x.Site.Owner}
		switch {
		case h.Last.Outcome == checks.OutcomeFailed:
			f.waiting, f.times = true, []time.Time{h.Last.Time}
			if h.Last.Time.Sub(h.Since) < chronic {
				f.times = []time.Time{h.Since, h.Last.Time}
			}
		case h.Recovered != nil:
			f.times = []time.Time{h.Recovered.First, h.Recovered.Last}
		}
		f.times = slices.DeleteFunc(f.times, time.Time.IsZero)
		if len(f.times) > 0 {
			faults = append(faults, f)
		}
	}
	return faults
}

// causeOf returns the code of a site's failure, also of one that ended by itself.
func causeOf(f *checks.Finding) checks.Code {
	if code, ok := f.Args["code"].(string); ok && f.Code == checks.CAFlaky {
		return checks.Code(code)
	}
	return f.Code
}

// unanswered reports whether a client's words say that its connection to the
// CA's API was made and got no answer.
func unanswered(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{"0 bytes received", "empty reply from server", "curl: (52)", "read timed out", "readtimeout", "while awaiting headers"},
		func(says string) bool { return strings.Contains(text, says) })
}
