package compose

import (
	"maps"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Begun composes the one summary of what a run looked at for the first time;
// false: it found nothing to tell.
func Begun(w Writer, s reports.Server, changes []reports.Change, begin reports.Beginning) (reports.Message, bool) {
	switch {
	case begin.Server:
		return Baseline(w, s), true
	case len(reports.BaselineTroubles(changes)) > 0:
		return firstLook(w, s, begin), true
	}
	return reports.Message{}, false
}

// Told composes the message of a telling: what it is about, why it comes now,
// who takes care of it, and what one can do. Of a telling that a problem is
// over, Incidents are all that belonged to it.
func Told(w Writer, t reports.Telling, s reports.Server) reports.Message {
	t.Incidents = slices.Clone(t.Incidents)
	for n := range t.Incidents {
		t.Incidents[n].Finding = s.WhileDown(t.Incidents[n].Finding)
	}
	switch {
	case t.Reason == reports.Passed:
		return passed(w, t)
	case t.Problem.Cause == reports.StormCause:
		return storm(w, t, s)
	case t.Problem.OfSites():
		return ofSites(w, t, s)
	}
	return alert(w, t, s)
}

// firstLook is the summary of checks that look for the first time at a panel
// that was watched before.
func firstLook(w Writer, s reports.Server, begin reports.Beginning) reports.Message {
	w = w.counting().of(s)
	m := w.message(reports.Plain, w.Say("baseline.more", i18n.Args{"Server": s.Name, "What": w.checkNames(begin.Checks)}))
	m.Silent = true
	m.Sections = troubled(w, s)
	m.Numbers, m.Actions = w.numbers(), w.buttons(nil)
	return m
}

// troubled are the causes of a panel's problems; nil: it has none.
func troubled(w Writer, s reports.Server) []reports.Section {
	counts, n := s.Causes(), 0
	for _, sites := range counts {
		n += sites
	}
	if n == 0 {
		return nil
	}
	return []reports.Section{{Heading: w.Count("baseline.causes", w.inTrouble(n)), Items: w.troubles(counts)}}
}

// Redrawn is what a message about a problem becomes when the problem changed: as
// it is now, or how it ended and then the first line of the message. It has no
// buttons if nothing can be done any more.
func Redrawn(w Writer, was reports.Message, t reports.Telling, s reports.Server) reports.Message {
	if t.Problem.Open() {
		m := Told(w, t, s)
		m.Silent, m.Files = true, nil // a file stays as it was sent
		return m
	}
	t.Reason = reports.Resolved
	m := Told(w, t, s)
	m.Silent = true
	m.Sections = append([]reports.Section{{Text: was.Title}}, m.Sections...)
	return m
}

// alert is the message about a problem of a server as a whole; it has one
// incident.
func alert(w Writer, t reports.Telling, s reports.Server) reports.Message {
	i := t.Incidents[0]
	f := i.Finding
	if t.Reason == reports.Resolved {
		return resolved(w, t, s)
	}
	m := w.message(toneOf(f.Severity), alertTitle(w, f))
	m.Facts = w.facts(t)
	m.Silent = f.Severity < checks.Critical
	if text := join(whyNow(w, t), evidence(w, i, s)); text != "" {
		m.Sections = append(m.Sections, reports.Section{Text: text})
	}
	m.Sections = append(m.Sections, w.next(f))
	m.Sections = append(m.Sections, standing(w, t.Problem)...)
	m.Sections = append(m.Sections, details(w, t, s)...)
	m.Actions = slices.Concat(lifeActions(w, t.Problem), alertActions(w, f), rareActions(w, t.Problem))
	return m
}

// alertTitle is the first line: where, what, how much, and the threshold.
func alertTitle(w Writer, f checks.Finding) string {
	args := w.args(f.Args)
	args["Server"], args["Threshold"] = f.Server, f.Args["threshold"]
	if f.Code == checks.PanelUnavailable {
		reason, _ := f.Args["reason"].(string)
		args["Reason"] = strings.TrimSuffix(w.Say("trouble."+reason), ".")
		if slices.Contains(panelDoubts(), reason) {
			return w.Say("alert.panel.doubted", args)
		}
		return w.Say("alert.panel.unavailable", args)
	}
	switch {
	case f.Code == checks.FleetSkew:
		reason, _ := f.Args["reason"].(string)
		args["Reason"] = strings.TrimSuffix(w.Say("trouble."+reason), ".")
		return w.Say("alert.fleet.skew", args)
	case f.Code == checks.PanelMissing:
		return w.Say("alert.panel.missing", args)
	case f.Code == checks.CAUnreachable && reports.Value(f) == 0:
		return w.Say("alert.egress.unreachable", args)
	case f.Code == checks.Unknown:
		return w.Say("alert.blind.text", args)
	case f.Code == checks.DNSBLListed:
		return w.Say("alert.dnsbl.listed", args)
	case f.Code == checks.FleetSplit:
		return w.Say("alert.fleet.split", args)
	case alike(f):
		args["Cause"] = w.title(f.Code)
		return w.Count("alert.alike", reports.Value(f), args)
	case f.Code == checks.CABudget:
		return w.Say("alert.account.budget", args)
	}
	return w.Count("alert."+string(f.Code), reports.Value(f), args)
}

// alike reports whether a finding about a server is that many sites fail alike at
// one of its addresses.
func alike(f checks.Finding) bool { return f.Site == "" && strings.HasPrefix(string(f.Code), "web.") }

// evidence is what the numbers suggest.
func evidence(w Writer, i reports.Incident, s reports.Server) string {
	var parts []string
	if i.Peak > reports.Value(i.Finding) {
		parts = append(parts, w.Say("reason.peak", i18n.Args{"N": i.Peak}))
	}
	if i.Finding.Code == checks.PanelUnavailable || i.Finding.Code == checks.FleetSilent {
		if reason, _ := i.Finding.Args["reason"].(string); slices.Contains(panelDoubts(), reason) {
			parts = append(parts, w.Say("trouble.believe"))
		}
		parts = append(parts, w.lastRead(s))
	}
	for _, r := range s.Readings {
		if r.Code == i.Finding.Code && r.Hour != nil && *r.Hour != r.Value {
			parts = append(parts, w.Say("evidence.hour", i18n.Args{"N": *r.Hour}))
		}
	}
	if i.Finding.Code == checks.PanelProcessing {
		parts = append(parts, burst(w, s)...)
		for _, f := range s.Findings("") {
			if f.Code == checks.CABudget {
				parts = append(parts, w.explain(f))
			}
		}
	}
	if slices.Contains([]checks.Code{checks.CABudget, checks.CADown, checks.FleetSplit}, i.Finding.Code) || alike(i.Finding) {
		parts = append(parts, w.explain(i.Finding))
	}
	if off := switchedOff(w, i.Finding); len(off) > 0 {
		parts = append(parts, w.Say("evidence.off", i18n.Args{"What": off}))
	}
	if i.Finding.Code == checks.CAPausing {
		parts = append(parts, w.Say("evidence.pausing", w.args(i.Finding.Args)), w.explain(i.Finding))
	}
	return strings.Join(parts, " ")
}

// switchedOff names what a table or column that is gone switches off: counts, and
// what else is not known without it.
func switchedOff(w Writer, f checks.Finding) []string {
	var off []string
	words, _ := f.Args["off"].(string)
	for _, word := range strings.Fields(words) {
		key := "metric." + word
		if !w.Has(key) {
			key = "lost." + word
		}
		off = append(off, w.Say(key))
	}
	return off
}

// burst distinguishes a mass re-issue from slow growth: most of what is under way
// began within the last hour.
func burst(w Writer, s reports.Server) []string {
	var started []time.Time
	all := 0
	for _, c := range s.Snapshot.Certificates {
		if c.Processing != checks.On {
			continue
		}
		all++
		if age := w.Now.Sub(c.Started); !c.Started.IsZero() && age >= 0 && age <= time.Hour {
			started = append(started, c.Started)
		}
	}
	if len(started)*2 <= all || len(started) == 0 {
		return nil
	}
	first := slices.MinFunc(started, time.Time.Compare)
	return []string{w.Say("evidence.burst", i18n.Args{
		"Started": len(started), "All": all, "Since": w.Clock(first)})}
}

// alertCauses are the CA's words behind a count of failures.
func alertCauses(w Writer, f checks.Finding, s reports.Server) []reports.Item {
	kind, ok := listBehind(f.Code)
	if !ok || f.Code == checks.PanelProcessing || f.Code == checks.CAPausing {
		return nil
	}
	counts := map[checks.Code]int{}
	for _, row := range s.List(kind) {
		if row.Code != "" && row.Code != checks.OK {
			counts[row.Code]++
		}
	}
	return w.causes(counts, 3)
}

// listBehind is the list that shows what a count counts, as many rows as the
// count.
func listBehind(code checks.Code) (kind string, ok bool) {
	if code == checks.CAPausing {
		return "paused", true
	}
	kind, ok = strings.CutPrefix(string(code), "panel.")
	return kind, ok && slices.Contains(reports.Lists(), kind)
}

func alertActions(w Writer, f checks.Finding) []reports.Action {
	actions := []reports.Action{}
	if kind, ok := listBehind(f.Code); ok {
		actions = append(actions, reports.Action{Label: w.Say("action.list"), Command: "list " + kind + " server=" + f.Server})
	}
	if alike(f) {
		actions = append(actions, reports.Action{Label: w.Say("action.list"), Command: "list trouble cause=" + string(f.Code) + " server=" + f.Server})
	}
	if f.Code == checks.CABudget || f.Code == checks.CAPausing {
		actions = append(actions, reports.Action{Label: w.Say("action.limits"), Command: "limits server=" + f.Server})
	}
	reason, _ := f.Args["reason"].(string)
	if f.Code == checks.PanelMissing || f.Code == checks.PanelUnavailable && slices.Contains(panelDoubts(), reason) {
		actions = append(actions, reports.Action{Label: w.Say("action.believe"), Command: "status believe server=" + f.Server})
	}
	if len(actions) == 0 {
		actions = append(actions, reports.Action{Label: w.Say("action.status"), Command: "status"})
	}
	return actions
}

// panelDoubts are the reasons of a panel that could be read and is not believed.
func panelDoubts() []string { return []string{"shrunk", "replaced", "older"} }

// overKey is the text about the end of a problem of a server, of which may be
// known whether the panel changed back or was believed.
func overKey(t reports.Telling, f checks.Finding, s reports.Server) string {
	reason, _ := f.Args["reason"].(string)
	switch {
	case (f.Code == checks.PanelUnavailable || f.Code == checks.PanelMissing) && !s.Believed.Before(t.Problem.Opened):
		return "over.panel.believed"
	case slices.Contains(panelDoubts(), reason):
		return "over.panel.doubted"
	case alike(f):
		return "over.alike"
	}
	return "over." + string(f.Code)
}

// resolved says how long a problem of a server lasted and how high its count
// rose.
func resolved(w Writer, t reports.Telling, s reports.Server) reports.Message {
	f := t.Incidents[len(t.Incidents)-1].Finding
	args := w.args(f.Args)
	args["Server"], args["Age"], args["Peak"] = f.Server, t.Problem.Resolved.Sub(t.Problem.Opened), t.Problem.Peak
	if since, ok := f.Args["since"].(time.Time); ok && f.Code == checks.CADown { // it was seen only when enough sites had failed
		args["Age"] = t.Problem.Resolved.Sub(since)
	}
	key := overKey(t, f, s)
	m := w.message(reports.ToneOver, w.Say(key, args))
	m.Facts = w.facts(t)
	m.Silent = t.Problem.Worst < checks.Critical
	m.Sections = standing(w, t.Problem)
	return m
}

// ofSites is the message about sites of a server that share a cause; it has at
// least one incident.
func ofSites(w Writer, t reports.Telling, s reports.Server) reports.Message {
	f := t.Incidents[0].Finding
	severity, tone, over := checks.Healthy, reports.ToneOver, t.Reason == reports.Resolved
	items := make([]reports.Item, len(t.Incidents))
	for n, i := range t.Incidents {
		severity = max(severity, i.Finding.Severity)
		items[n] = reports.Item{Text: checks.Show(i.Finding.Site), Note: nameNote(w, over, i)}
	}
	key := "over.names." + string(f.Code)
	if !over {
		key, tone = "names."+string(f.Code), toneOf(severity)
	}
	m := w.message(tone, w.Count(key, len(t.Incidents), i18n.Args{"Server": f.Server}))
	m.Facts = w.facts(t)
	m.Silent = over || severity < checks.Critical
	if text := whyNow(w, t); text != "" {
		m.Sections = append(m.Sections, reports.Section{Text: text})
	}
	first, rest := firstFew(w.Say("details.others"), items)
	m.Sections = append(m.Sections, first)
	if len(items) > shownMost {
		m.Files = everySite(w, t, s)
	}
	if !over {
		m.Sections = append(m.Sections, w.next(f))
		m.Actions = slices.Concat(lifeActions(w, t.Problem), []reports.Action{namesAction(w, t)}, rareActions(w, t.Problem))
	}
	m.Sections = append(m.Sections, standing(w, t.Problem)...)
	m.Sections = append(m.Sections, folded([]reports.Section{rest})...)
	if !over {
		m.Sections = append(m.Sections, siteDetails(w, t, s)...)
	}
	return m
}

// namesAction shows the one site, or all that have the cause.
func namesAction(w Writer, t reports.Telling) reports.Action {
	f := t.Incidents[0].Finding
	if len(t.Incidents) == 1 {
		return reports.Action{Label: w.Say("action.check"), Command: "check " + f.Site}
	}
	return reports.Action{Label: w.Say("action.list"), Command: "list trouble cause=" + string(f.Code) + " server=" + f.Server}
}

func nameNote(w Writer, over bool, i reports.Incident) string {
	if over {
		return w.lasted(reports.Start{At: i.Times.Opened, Exact: !i.Baseline}, i.Times.Resolved)
	}
	at, ok := i.Finding.Args["at"].(time.Time)
	switch {
	case !ok:
		return ""
	case at.After(w.Now):
		return w.Say("when.ends", i18n.Args{"At": w.dateTime(at)})
	}
	return w.Say("when.ended", i18n.Args{"At": w.dateTime(at)})
}

// Baseline is the summary of a panel's first complete reading.
func Baseline(w Writer, s reports.Server) reports.Message {
	return baseline(w, s, "baseline.title", "baseline.text", nil)
}

// Greeting is the summary of a panel that is watched since a time, for a chat that
// gets messages for the first time.
func Greeting(w Writer, s reports.Server, since time.Time) reports.Message {
	return baseline(w, s, "greeting.title", "greeting.text", i18n.Args{"Since": w.date(since)})
}

func baseline(w Writer, s reports.Server, title, text string, args i18n.Args) reports.Message {
	w = w.counting().of(s)
	sites := w.listed(len(s.Snapshot.Sites), w.Say("action.sites"), "sites")
	all := i18n.Args{"Server": s.Name}
	maps.Copy(all, args)
	m := w.message(toneOf(s.Worst()), w.Count(title, sites, all))
	m.Silent = true
	m.Sections = append(m.Sections, reports.Section{Items: w.countItems(s)})
	m.Sections = append(m.Sections, troubled(w, s)...)
	m.Sections = append(m.Sections, reports.Section{Text: w.Say(text)})
	m.Numbers, m.Actions = w.numbers(), w.buttons(nil)
	return m
}
