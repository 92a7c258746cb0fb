package panel

import (
	"context"
	"slices"
	"strings"

	"domovoy/checks"
)

// Tables finds tables and columns that the panel had and lacks now: they were
// renamed, or dropped. Its argument "lost" names them, and "off" what is not
// known without them: codes of counts, and words that have a text under "lost.".
func Tables() checks.Check {
	return checks.Check{
		Name:  TablesCheck,
		Scope: checks.ScopeServer,
		Codes: []checks.Code{checks.PanelMissing},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			lost := t.Reading.Lost
			if len(lost) == 0 {
				return nil, nil
			}
			var names []string
			for _, x := range lost {
				names = append(names, x.String())
			}
			args := checks.Args{"lost": strings.Join(names, ", "), "off": strings.Join(off(lost), " ")}
			if slices.ContainsFunc(lost, func(x checks.Missing) bool { return x.Hidden }) {
				args["hidden"] = true // a right to read it may have been revoked
			}
			return []checks.Finding{finding(checks.PanelMissing, args)}, nil
		},
	}
}

// off lists what the loss of tables and columns switches off.
func off(lost []checks.Missing) []string {
	var words []string
	for _, m := range CountsWithout(lost, Counts(checks.Snapshot{Missing: lost}, 0, 0)) {
		if !m.Known() {
			words = append(words, string(m.Code))
		}
	}
	for _, u := range uses() {
		if slices.ContainsFunc(lost, u.of) && !slices.Contains(words, u.word) {
			words = append(words, u.word)
		}
	}
	return words
}

// CountsWithout returns the counts while the panel lacks what it had. That of
// overdue certificates is not known then: it adds up findings of sites, which
// need owners, names and certificates.
func CountsWithout(lost []checks.Missing, counts []checks.Metric) []checks.Metric {
	for i, m := range counts {
		if len(lost) > 0 && m.Code == checks.PanelOverdue && m.Known() {
			counts[i].Value, counts[i].Err = 0, Lacking(lost[0], "")
		}
	}
	return counts
}

// use is what a table or column is read for, besides counts.
type use struct {
	table   string
	columns []string // each of them; the table without any is all of them
	word    string
}

func uses() []use {
	return []use{
		{"users", []string{"name"}, "owners"},
		{tableSites, []string{"users"}, "owners"},
		{tableCertificates, []string{"users"}, "owners"},
		{tableSites, []string{"name", "name_idn"}, "names"},
		{"webdomain_alias", []string{"webdomain", "name", "name_idn"}, "aliases"},
		{"webdomain_ipaddr", []string{"webdomain", "value"}, "addresses"},
		{"ipaddr", []string{"name"}, "addresses"},
		{tableSites, []string{"ssl_cert"}, "certificates"},
		{tableCertificates, []string{"certname", "domain_name"}, "certificates"},
		{tableLog, []string{"certname", "status", "date"}, "attempts"},
		{tableLog, []string{"message"}, "causes"},
	}
}

// of reports whether what is lost is used here.
func (u use) of(lost checks.Missing) bool {
	return lost.Table == u.table && (lost.Column == "" || slices.Contains(u.columns, lost.Column))
}
