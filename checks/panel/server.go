// Package panel checks what the panel itself records: its counts, its flags per
// site, its issuance log.
package panel

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"domovoy/checks"
)

// Names of the checks of a server in outcomes and failures.
const (
	ReadingCheck = "reading"
	StaleCheck   = "stale"
	RowsCheck    = "rows"
	AccountCheck = "account"
	TablesCheck  = "tables"
)

// Reasons why a panel behind an agent cannot be read, as words of the catalogs under
// "trouble.".
const (
	AgentUnseen  = "noagent" // its agent never said anything
	AgentSilent  = "silent"  // its agent is silent for long
	AgentNewer   = "newer"   // its agent speaks a newer protocol
	AgentPartial = "partial" // not all of a reading has come
	HubGone      = "nohub"   // the hub has been away for long
	HubLost      = "hublost" // the hub does not answer: it may be away for a short time
)

// AgentOlder is the word, under "trouble." too, for an agent that cannot look at its
// host for the bot, because it is older than the bot. Its panel can be read.
const AgentOlder = "oldagent"

// AgentClock is, like the reasons above, the reason of a FleetSkew: the clock of the
// agent's host is off. Its panel can be read.
const AgentClock = "clock"

// AgentReasons are all of them.
func AgentReasons() []string {
	return []string{AgentUnseen, AgentSilent, AgentNewer, AgentPartial, HubGone, HubLost}
}

// Readable finds a panel that could not be read, or was by a host whose clock is off.
func Readable() checks.Check {
	return checks.Check{
		Name:  ReadingCheck,
		Scope: checks.ScopeServer,
		Codes: []checks.Code{checks.PanelUnavailable, checks.FleetSilent, checks.FleetSkew},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			if t.Reading.Trouble == "" {
				if t.Reading.Snapshot.Skew == 0 {
					return nil, nil
				}
				return []checks.Finding{finding(checks.FleetSkew, checks.Args{"reason": AgentClock})}, nil
			}
			code := checks.PanelUnavailable
			switch t.Reading.Trouble {
			case AgentSilent:
				code = checks.FleetSilent
			case AgentNewer:
				code = checks.FleetSkew
			}
			return []checks.Finding{finding(code, checks.Args{"reason": t.Reading.Trouble})}, nil
		},
	}
}

// Stale finds a panel whose issuance log has stopped growing. Each certificate
// is renewed about every sixty days; the log has stopped if the time since its
// last line exceeds five times the expected interval plus two days. A panel
// without a log or without certificates cannot be judged. moved returns the
// time of the log's last line; zero: it has none.
func Stale(moved func(ctx context.Context, server string) (time.Time, error)) checks.Check {
	c := checks.Check{Name: StaleCheck, Scope: checks.ScopeServer, Codes: []checks.Code{checks.PanelStale}}
	if moved == nil {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		since, err := moved(ctx, t.Server)
		if err != nil || since.IsZero() || len(t.Reading.Snapshot.Certificates) == 0 {
			return nil, err
		}
		const day = 24 * time.Hour
		patience := 2*day + 5*60*day/time.Duration(len(t.Reading.Snapshot.Certificates))
		if t.Now.Sub(since) <= patience {
			return nil, nil
		}
		args := checks.Args{"since": since}
		if o := t.Reading.Snapshot.Options; o != nil && o.SkipAccount == checks.Off {
			args["counts"] = true // it may have stopped by itself
		}
		return []checks.Finding{finding(checks.PanelStale, args)}, nil
	}
	return c
}

// Unreadable finds values in the panel's database that cannot be parsed.
func Unreadable() checks.Check {
	return checks.Check{
		Name:  RowsCheck,
		Scope: checks.ScopeServer,
		Codes: []checks.Code{checks.PanelUnreadable},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			n := t.Reading.Snapshot.UnreadableN
			if n == 0 {
				return nil, nil
			}
			return []checks.Finding{finding(checks.PanelUnreadable, checks.Args{"value": n})}, nil
		},
	}
}

// unreachableSites is how many sites must fail to reach the CA before the
// server counts as the cause: a single failure may be accidental.
const unreachableSites = 3

// Account merges findings about the panel's account or its connection to the CA
// into one finding of the server: every site has the same one, and one message
// is enough. That the CA refuses new orders of the account is among them: it is
// so until the moment that the CA names. What fails because the CA does is left
// to the check of outages.
func Account() checks.Check {
	return checks.Check{
		Name:  AccountCheck,
		Scope: checks.ScopeServer,
		Codes: []checks.Code{checks.CABlocked, checks.CAUnreachable, checks.CABudget},
		Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			counts := map[checks.Code]int{}
			for _, f := range t.Reading.Findings {
				counts[f.Code]++
			}
			if counts[checks.CAUnreachable] > 0 && answers(t) {
				delete(counts, checks.CAUnreachable) // it is not the way to the CA
			}
			var found []checks.Finding
			for code, least := range map[checks.Code]int{checks.CABlocked: 1, checks.CAUnreachable: unreachableSites} {
				if n := counts[code]; n >= least {
					found = append(found, finding(code, checks.Args{"value": n}))
				}
			}
			if f, ok := ordersRefused(t); ok {
				found = append(found, f)
			}
			checks.SortFindings(found)
			return found, nil
		},
	}
}

// answers reports whether the CA answered orders of this server lately, if only
// with a fault of its own.
func answers(t *checks.Target) bool {
	failing := map[string]bool{}
	for _, f := range t.Reading.Findings {
		failing[f.Site] = failing[f.Site] || f.Code == checks.CAInternal
	}
	return slices.ContainsFunc(t.Reading.Subjects, func(x checks.Subject) bool {
		return x.History != nil && failing[x.Site.Name] && t.Now.Sub(x.History.Last.Time) < downWithin
	})
}

// newOrders is the CA's limit on the orders of an account, as findings name it.
const newOrders = "new_orders"

// refusedFor is how long a refusal of new orders is believed that names no
// moment: the window of the limit
// (https://letsencrypt.org/docs/rate-limits/#new-orders-per-account).
const refusedFor = 3 * time.Hour

// ordersRefused finds that the CA refuses new orders of the account now, by its
// answers about the sites: on how many, and until when at least.
func ordersRefused(t *checks.Target) (checks.Finding, bool) {
	failed := sync.OnceValue(func() map[string]time.Time { // few panels need it
		times := map[string]time.Time{}
		for i := range t.Reading.Subjects {
			if x := &t.Reading.Subjects[i]; x.History != nil {
				times[x.Site.Name] = x.History.Last.Time
			}
		}
		return times
	})
	n, refill := 0, time.Time{}
	for _, f := range t.Reading.Findings {
		if f.Code != checks.CARateLimited || f.Args["limit"] != newOrders {
			continue
		}
		until, named := f.Args["until"].(time.Time)
		switch {
		case named && t.Now.Before(until):
			if until.After(refill) {
				refill = until
			}
		case named, t.Now.Sub(failed()[f.Site]) >= refusedFor:
			continue
		}
		n++
	}
	if n == 0 {
		return checks.Finding{}, false
	}
	args := checks.Args{"value": n}
	if !refill.IsZero() {
		args["refill"] = refill
	}
	return finding(checks.CABudget, args), true
}

// Tables of the panel, by their names in its schema.
const (
	tableSites        = "webdomain"
	tableCertificates = "letsencrypt_ssl"
	tableLog          = "letsencrypt_log"
)

// Missing is the reason of a metric that could not be counted because the panel
// lacks a table or column, Hidden because the database's user may not look
// whether it has one; their name follows it.
const (
	Missing = "missing"
	Hidden  = "hidden"
)

// Lacking is the reason for which something needs what is missing; column is the
// one that was needed, empty: the table.
func Lacking(m checks.Missing, column string) string {
	reason := Missing
	if m.Hidden {
		reason = Hidden
	}
	return reason + ": " + checks.Missing{Table: m.Table, Column: cmp.Or(m.Column, column)}.String()
}

// Counts counts the metrics of one snapshot. failing comes from the issuance log
// and overdue from the findings of the sites, so the caller passes both.
func Counts(s checks.Snapshot, failing, overdue int) []checks.Metric {
	var processing, failed, nocertificate, noredirect int
	for _, c := range s.Certificates {
		processing += one(c.Processing == checks.On)
		failed += one(c.Failed == checks.On)
	}
	for _, site := range s.Sites {
		if site.Active == checks.On {
			nocertificate += one(site.Secure == checks.Off)
			noredirect += one(site.Redirect == checks.Off)
		}
	}
	return []checks.Metric{
		metric(s, checks.PanelProcessing, processing, tableCertificates, "processing"),
		metric(s, checks.PanelFailed, failed, tableCertificates, "failed"),
		metric(s, checks.PanelFailing, failing, tableLog, "certname", "status", "date"),
		metric(s, checks.PanelOverdue, overdue, tableCertificates, "time_started", "processing", "failed"),
		metric(s, checks.PanelNoCertificate, nocertificate, tableSites, "active", "secure"),
		metric(s, checks.PanelNoRedirect, noredirect, tableSites, "active", "redirect_http"),
	}
}

// metric returns a count, or the reason why it could not be counted.
func metric(s checks.Snapshot, code checks.Code, value int, table string, columns ...string) checks.Metric {
	for _, column := range columns {
		if m, lacks := s.Lack(table, column); lacks {
			return checks.Metric{Server: s.Server, Code: code, Err: Lacking(m, column)}
		}
	}
	return checks.Metric{Server: s.Server, Code: code, Value: value}
}

// Unavailable returns every metric as not counted, for that reason.
func Unavailable(server, reason string) []checks.Metric {
	metrics := Counts(checks.Snapshot{Server: server}, 0, 0)
	for i := range metrics {
		metrics[i].Value, metrics[i].Err = 0, reason
	}
	return metrics
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
