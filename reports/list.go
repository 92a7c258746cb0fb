package reports

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Lists are the kinds of lists there are.
func Lists() []string {
	return []string{"failed", "processing", "overdue", "nocertificate", "noredirect", "elsewhere", "free", "unknown", "paused", "zombie"}
}

// FromOutside reports whether a kind of list rests on looks from outside:
// without any, its emptiness would say nothing.
func FromOutside(kind string) bool {
	return kind == "elsewhere" || kind == "free" || kind == "unknown"
}

// Row is a line of a list: a site, or a certificate that belongs to none.
type Row struct {
	Domain string // A-label form; the certificate's name where there is no domain, "#12" of row 12 where there is neither
	Owner  string
	Server string
	Code   checks.Code // the verdict of the last look from outside, else of the last issuing error
	Since  time.Time   // zero: not known

	// Of lists that rest on looks from outside; each may be zero.
	Name  string    // the alias that the verdict is about; empty: it is the domain
	To    string    // whose addresses the name has instead of ours
	Free  time.Time // when the registry gives the name away; zero: it is free now
	Blind []string  // the checks that could not look
}

// Filter narrows a list; empty fields let everything through. Owner and
// Server are globs; Cause is a code, or the part before its dot.
type Filter struct {
	Owner, Server, Cause string
}

// keeps reports whether a row passes.
func (f Filter) keeps(r Row) bool {
	return glob(f.Owner, r.Owner) && glob(f.Server, r.Server) &&
		(f.Cause == "" || f.Cause == string(r.Code) || strings.HasPrefix(string(r.Code), f.Cause+"."))
}

func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// List gathers the rows of one kind over the servers, in order of name; names
// that are free or will be, the soonest first.
func List(kind string, servers []Server, f Filter) []Row {
	var rows []Row
	for _, s := range servers {
		for _, r := range s.List(kind) {
			if f.keeps(r) {
				rows = append(rows, r)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(a.Free.Compare(b.Free), strings.Compare(a.Domain, b.Domain))
	})
	return rows
}
