package compose

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// AccountLimits is what a server's account has left of its CA's rate limits.
type AccountLimits struct {
	Server   string
	Place    string // the node that was asked for, as server/node; empty: the whole panel
	Quota    reports.Quota
	Scarce   []checks.Budget       // of domains, sets and names: those with the least left of each limit
	Coming   []checks.Finding      // ca.budget, ca.pausing, ca.zombie
	Paused   int                   // names that the CA has paused
	Ordering int                   // orders under way, which the log does not have yet
	Next     *reports.RuleChange   // nil: nothing is known to change
	Issuance []reports.IssuanceDay // of the last days, oldest first; empty: not counted

	Trouble string // why the panel could not be read, a stable word; empty: it could
}

// Limits says what each account has left at its CA, and what runs out.
func Limits(w Writer, all []AccountLimits) reports.Message {
	m := limitsTitle(w, all)
	for _, l := range all {
		if l.Place != "" {
			m.Sections = append(m.Sections, reports.Section{Text: w.Say("limits.node", i18n.Args{"Server": l.Server, "Place": l.Place})})
		}
		m.Sections = append(m.Sections, limitsOf(w, l)...)
	}
	paused, zombies := 0, 0
	for _, l := range all {
		paused += l.Paused + l.count(checks.CAPausing)
		zombies += l.count(checks.CAZombie)
	}
	if paused > 0 {
		m.Actions = append(m.Actions, reports.Action{Label: w.Say("action.paused"), Command: "list paused"})
	}
	if zombies > 0 {
		m.Actions = append(m.Actions, reports.Action{Label: w.Say("action.zombie"), Command: "list zombie"})
	}
	return m
}

// limitsTitle says whether any account runs short.
func limitsTitle(w Writer, all []AccountLimits) reports.Message {
	worst, known, paused := checks.Healthy, false, 0
	for _, l := range all {
		paused += l.Paused
		known = known || l.Quota.CA != ""
		for _, f := range l.Coming {
			if f.Code == checks.CABudget {
				worst = max(worst, f.Severity)
			}
		}
	}
	switch {
	case !known:
		return w.message(reports.ToneUnknown, w.Say("limits.title.unknown"))
	case worst > checks.Healthy:
		return w.message(toneOf(worst), w.Say("limits.title.short"))
	}
	if paused > 0 {
		return w.message(reports.Plain, w.Say("limits.title.paused", i18n.Args{"N": paused}))
	}
	return w.message(reports.Plain, w.Say("limits.title.calm"))
}

// limitsOf is one server's account.
func limitsOf(w Writer, l AccountLimits) []reports.Section {
	if l.Trouble != "" && len(l.Quota.Account) == 0 {
		return []reports.Section{{Heading: l.Server, Text: w.Say("trouble." + l.Trouble)}}
	}
	if l.Quota.CA == "" {
		return append([]reports.Section{{Heading: l.Server, Text: w.Say("limits.unknown")}}, append(pausing(w, l), issuance(w, l)...)...)
	}
	section := reports.Section{Heading: w.Say("limits.account", i18n.Args{"CA": l.Quota.CA, "Server": l.Server})}
	for _, b := range l.Quota.Account {
		section.Items = append(section.Items, budgetItem(w, b))
	}
	for _, f := range l.Coming {
		if f.Code == checks.CABudget {
			section.Text = w.explain(f)
		}
	}
	sections := []reports.Section{section}
	if text := uncounted(w, l); text != "" {
		sections = append(sections, reports.Section{Text: text})
	}
	sections = append(sections, scarce(w, l)...)
	sections = append(sections, pausing(w, l)...)
	sections = append(sections, issuance(w, l)...)
	if l.Next != nil {
		sections = append(sections, w.coming([]reports.RuleChange{*l.Next})...)
	}
	return sections
}

// uncounted says which orders the account's limits do not have: those that the CA
// never counts, and those that the log does not have yet. Empty: there are none.
func uncounted(w Writer, l AccountLimits) string {
	var text []string
	for _, b := range l.Quota.Account {
		if b.Renewals > 0 {
			text = append(text, w.Say("limits.renewals", i18n.Args{"N": b.Renewals, "Age": b.Window}))
			break
		}
	}
	if l.Ordering > 0 {
		text = append(text, w.Say("limits.ordering", i18n.Args{"N": l.Ordering}))
	}
	return strings.Join(text, " ")
}

// budgetItem is one line: what, of whom, how much is left, when more comes.
func budgetItem(w Writer, b checks.Budget) reports.Item {
	key := "limits.left"
	switch {
	case b.Left == 0 && !b.AtLeast: // there can be no less
	case b.AtMost:
		key = "limits.most"
	case b.AtLeast:
		key = "limits.least"
	}
	item := reports.Item{Text: w.Say(key, i18n.Args{"What": w.limitName(b.Code), "Left": b.Left, "Limit": b.Limit})}
	if b.Subject != "" {
		item.Text = showSet(b.Subject) + " — " + item.Text
	}
	if !b.Refill.IsZero() {
		key := "limits.refill"
		if b.Left == 0 {
			item.Tone, key = reports.ToneBad, "limits.empty"
		}
		item.Text += " " + w.Say(key, i18n.Args{"Next": w.dateTime(b.Refill), "Full": w.dateTime(b.Full)})
	}
	return item
}

// scarce lists the domains, sets and names of which half or less is left.
func scarce(w Writer, l AccountLimits) []reports.Section {
	section := reports.Section{Heading: w.Say("limits.scarce")}
	why := []string{}
	for _, b := range l.Scarce {
		if b.Left*2 > b.Limit {
			continue
		}
		section.Items = append(section.Items, budgetItem(w, b))
		if b.Why != "" && !slices.Contains(why, b.Why) {
			why = append(why, b.Why)
		}
	}
	if len(section.Items) == 0 {
		return nil
	}
	sections := []reports.Section{section}
	for _, word := range why {
		sections = append(sections, reports.Section{Text: w.Say("limits.why." + word)})
	}
	return sections
}

// pausingMost is how many names to be paused are listed.
const pausingMost = 5

// pausing lists the names that the CA will pause, and counts those that are
// paused and those that have failed for months.
func pausing(w Writer, l AccountLimits) []reports.Section {
	soon := slices.DeleteFunc(slices.Clone(l.Coming), func(f checks.Finding) bool { return f.Code != checks.CAPausing })
	slices.SortStableFunc(soon, func(a, b checks.Finding) int { return foretoldAt(a).Compare(foretoldAt(b)) })
	section := reports.Section{}
	for _, f := range soon[:min(len(soon), pausingMost)] {
		section.Items = append(section.Items, reports.Item{Tone: reports.ToneWarning, Text: w.Say("limits.pause.when", i18n.Args{
			"Site": checks.Show(f.Site), "Date": w.date(foretoldAt(f))}), Note: w.Say("limits.pause.pace", i18n.Args{
			"Failures": f.Args["failures"], "Lately": f.Args["lately"]})})
	}
	if len(soon) > 0 {
		section.Heading = w.Count("limits.pausing", len(soon))
	}
	var sections []reports.Section
	if len(soon) > 0 {
		sections = append(sections, section)
	}
	if l.Paused > 0 {
		sections = append(sections, reports.Section{Text: w.Count("limits.paused", l.Paused)})
	}
	if n := l.count(checks.CAZombie); n > 0 {
		sections = append(sections, reports.Section{Text: w.Count("limits.zombies", n)})
	}
	return sections
}

// issuance says which share of the attempts failed, over all and on each day, a
// line a week, and how many names recovered by themselves.
func issuance(w Writer, l AccountLimits) []reports.Section {
	sum, worst := reports.IssuanceDay{}, reports.IssuanceDay{}
	for _, d := range l.Issuance {
		sum.Attempts, sum.Failed, sum.Recovered = sum.Attempts+d.Attempts, sum.Failed+d.Failed, sum.Recovered+d.Recovered
		share, _ := d.Failing()
		if most, _ := worst.Failing(); share > most {
			worst = d
		}
	}
	share, any := sum.Failing()
	if !any {
		return nil
	}
	args := i18n.Args{"Share": w.Percent(share), "Failed": sum.Failed, "N": sum.Attempts, "Recovered": sum.Recovered}
	if share, _ := worst.Failing(); sum.Failed > 0 {
		args["Worst"], args["Most"] = w.date(worst.From), w.Percent(share)
	}
	section := reports.Section{Heading: w.Count("limits.issuance.days", len(l.Issuance)), Text: w.Say("limits.issuance.sum", args)}
	for week := range slices.Chunk(l.Issuance, 7) {
		shares := make([]string, len(week))
		for i, d := range week {
			shares[i] = "–" // no attempt on this day
			if share, ok := d.Failing(); ok {
				shares[i] = w.Percent(share)
			}
		}
		section.Items = append(section.Items, reports.Item{Text: w.Say("limits.issuance.week", i18n.Args{
			"From": w.date(week[0].From), "Shares": strings.Join(shares, " · ")})})
	}
	return []reports.Section{section}
}

func (l AccountLimits) count(code checks.Code) int {
	n := 0
	for _, f := range l.Coming {
		if f.Code == code {
			n++
		}
	}
	return n
}

// foretoldAt is when what a finding foretells will happen; zero: not known.
func foretoldAt(f checks.Finding) time.Time {
	at, _ := f.Args["at"].(time.Time)
	return at
}

// ReissuePlan is what re-issuing the certificates of chosen sites would take.
type ReissuePlan struct {
	Servers    []reports.ReissueServer
	Unreadable []string // servers that could not be read
}

// Reissue says how many of the chosen sites would get a certificate, why the
// others would not, and what that takes of the CA's limits.
func Reissue(w Writer, r ReissuePlan) reports.Message {
	pass, fail, unknown, unseen := 0, 0, 0, 0
	causes := map[checks.Code]int{}
	for _, s := range r.Servers {
		pass, unknown, unseen = pass+len(s.Pass), unknown+s.Unknown, unseen+s.Unseen
		for code, n := range s.Causes {
			fail += n
			causes[code] += n
		}
	}
	if pass+fail+unknown == 0 && len(r.Unreadable) == 0 {
		return w.message(reports.Plain, w.Say("reissue.none"))
	}
	title := "reissue.title"
	switch {
	case pass+unknown == 0:
		title = "reissue.barred"
	case pass > 0 && unseen == pass:
		title = "reissue.unlooked" // no promise about what nobody looked at
	}
	m := w.message(reports.Plain, w.Count(title, pass+fail+unknown, i18n.Args{"Pass": pass}))
	if len(r.Unreadable) > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Say("list.unread.some", i18n.Args{"Servers": r.Unreadable})})
	}
	if pass+fail+unknown == 0 {
		return m
	}
	if fail > 0 {
		m.Sections = append(m.Sections, reports.Section{Heading: w.Count("reissue.fail", fail), Items: w.causes(causes, 6)})
	}
	if unknown > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Count("reissue.unknown", unknown)})
	}
	for _, s := range r.Servers {
		if len(s.Pass) > 0 {
			m.Sections = append(m.Sections, reissuePrice(w, s)...)
		}
	}
	return m
}

// reissuePrice is what one server's part costs, and what that rests on.
func reissuePrice(w Writer, s reports.ReissueServer) []reports.Section {
	p := s.Price
	section := reports.Section{Heading: w.Count("reissue.price", p.Orders, i18n.Args{"Server": s.Server}), Text: duration(w, p)}
	for _, d := range p.Domains[:min(len(p.Domains), 5)] {
		section.Items = append(section.Items, reports.Item{Text: w.Say("reissue.domain", i18n.Args{"Domain": checks.Show(d.Domain), "Orders": d.Orders, "Left": d.Left})})
	}
	for _, b := range p.Waiting[:min(len(p.Waiting), 5)] {
		section.Items = append(section.Items, budgetItem(w, b))
	}
	sections := []reports.Section{section}
	if s.Down {
		sections[0].Text = w.Say("down.price") // how long it takes is counted from then
	}
	if !s.Oldest.IsZero() {
		sections = append(sections, reports.Section{Text: w.Say("reissue.looked", i18n.Args{"At": w.dateTime(s.Oldest), "Age": w.Now.Sub(s.Oldest)})})
	}
	if s.Unseen > 0 {
		sections = append(sections, reports.Section{Text: w.Count("reissue.unseen", s.Unseen)})
	}
	return sections
}

// duration says how long re-issuing takes within the CA's limits.
func duration(w Writer, p checks.Price) string {
	if !p.Known {
		return w.Say("limits.unknown")
	}
	text := ""
	if p.Renewals > 0 {
		text = w.Say("reissue.renewals", i18n.Args{"N": p.Renewals}) + " "
	}
	if p.Takes == 0 {
		return text + w.Say("reissue.now")
	}
	return text + w.Say("reissue.takes", i18n.Args{"Age": p.Takes})
}

// setMost is how many names of a set are shown.
const setMost = 3

// showSet writes a budget's subject: a name, a registered domain, or names
// with commas between.
func showSet(subject string) string {
	names := strings.Split(subject, ",")
	more := len(names) - setMost
	for i, name := range names {
		names[i] = checks.Show(name)
	}
	if more > 0 {
		return strings.Join(names[:setMost], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
