package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// siteKey names a site of a server.
type siteKey struct{ server, site string }

func keyOf(i Incident) siteKey { return siteKey{i.Finding.Server, i.Finding.Site} }

// trouble is a site that is not in order: the cause before its symptoms, and
// what was seen last before what a run or two did not see.
type trouble struct {
	root  Incident
	since time.Time // of whatever is wrong with it longest
}

// troubles are the sites in trouble now.
func (d Day) troubles() map[siteKey]trouble {
	logged, order := d.logged(), map[checks.Code]int{}
	for n, code := range checks.Codes() {
		order[code] = n
	}
	all := map[siteKey]trouble{}
	for _, i := range d.Open {
		if !troubled(i) {
			continue
		}
		key, since := keyOf(i), began(i, logged)
		known, ok := all[key]
		if !ok || since.Before(known.since) {
			known.since = since
		}
		if !ok || cmp.Or(cmp.Compare(i.Clear, known.root.Clear), cmp.Compare(order[i.Finding.Code], order[known.root.Finding.Code])) < 0 {
			known.root = i
		}
		all[key] = known
	}
	return all
}

// Codes of the sites in trouble, one a site.
func (d Day) Codes() []checks.Code {
	var codes []checks.Code
	for _, x := range d.troubles() {
		codes = append(codes, x.root.Finding.Code)
	}
	return codes
}

// logged are the beginnings that issuing logs know: a CA may refuse a name
// since long before the watch began.
func (d Day) logged() map[siteKey]time.Time {
	known := map[siteKey]time.Time{}
	for _, s := range d.Servers {
		for _, x := range s.Subjects {
			if x.History != nil && !x.History.Since.IsZero() {
				known[siteKey{s.Name, x.Site.Name}] = x.History.Since
			}
		}
	}
	return known
}

// began is when the trouble of an incident began.
func began(i Incident, logged map[siteKey]time.Time) time.Time {
	at, ok := logged[keyOf(i)]
	if ok && strings.HasPrefix(string(i.Finding.Code), "ca.") && at.Before(i.Times.Opened) {
		return at
	}
	return i.Times.Opened
}

// Oldest is the root cause of the site that is in trouble for longest, and
// since when, of those that are for more than a day; false: none is.
func (d Day) Oldest() (root Incident, since time.Time, ok bool) {
	all := d.troubles()
	var old []siteKey
	for key, x := range all {
		if x.since.Before(d.From) {
			old = append(old, key)
		}
	}
	if len(old) == 0 {
		return Incident{}, time.Time{}, false
	}
	oldest := slices.MinFunc(old, func(a, b siteKey) int {
		return cmp.Or(all[a].since.Compare(all[b].since), strings.Compare(a.site, b.site), strings.Compare(a.server, b.server))
	})
	return all[oldest].root, all[oldest].since, true
}
