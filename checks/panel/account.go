package panel

import "domovoy/checks"

// Names of the checks in outcomes and failures.
const (
	RowsCheck    = "rows"
	AccountCheck = "account"
)

// unreachableSites are how many sites must fail to reach the CA before it is
// the server's trouble: one alone may have met a moment.
const unreachableSites = 3

// Account folds what concerns the panel's account or its way to the CA into
// one finding of the server: each site says the same, and one message is
// enough.
func Account(sites []checks.Finding, server string) []checks.Finding {
	counts := map[checks.Code]int{}
	for _, f := range sites {
		counts[f.Code]++
	}
	var found []checks.Finding
	for code, least := range map[checks.Code]int{checks.CABlocked: 1, checks.CAUnreachable: unreachableSites} {
		if n := counts[code]; n >= least {
			f := finding(code, checks.Args{"value": n})
			f.Check, f.Server = AccountCheck, server
			found = append(found, f)
		}
	}
	checks.SortFindings(found)
	return found
}

// Unreadable finds values in the panel that make no sense.
func Unreadable(s checks.Snapshot) []checks.Finding {
	if s.UnreadableN == 0 {
		return nil
	}
	f := finding(checks.PanelUnreadable, checks.Args{"value": s.UnreadableN})
	f.Check, f.Server = RowsCheck, s.Server
	return []checks.Finding{f}
}
