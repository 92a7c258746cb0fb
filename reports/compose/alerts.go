package compose

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// AlertMessage is a message with the reason for it.
type AlertMessage struct {
	Kind     reports.ChangeKind
	Incident string // the key of its finding; empty: of several
	Message  reports.Message
}

// Alerts composes the messages about a run's changes: one summary of what the
// run looked at for the first time, a message for each change of the server as
// a whole, and one for the sites that share a code and a kind of change. When
// too many sites break at once, a single message stands for all of them.
func Alerts(w Writer, s reports.Server, changes []reports.Change, begin reports.Beginning) []AlertMessage {
	var messages []AlertMessage
	if codes := reports.BaselineTroubles(changes); begin.Server {
		messages = append(messages, AlertMessage{Kind: reports.Baseline, Message: Baseline(w, s)})
	} else if len(codes) > 0 {
		messages = append(messages, AlertMessage{Kind: reports.Baseline, Message: firstLook(w, s, begin)})
	}
	names := map[reports.ChangeKind]map[checks.Code][]reports.Incident{}
	sites := map[string]bool{}
	for _, c := range changes {
		f := c.Incident.Finding
		switch {
		case c.Kind == "" || c.Kind == reports.Baseline:
		case f.Site == "":
			messages = append(messages, AlertMessage{Kind: c.Kind, Incident: f.Key(), Message: Alert(w, c, s)})
		default:
			if names[c.Kind] == nil {
				names[c.Kind] = map[checks.Code][]reports.Incident{}
			}
			names[c.Kind][f.Code] = append(names[c.Kind][f.Code], c.Incident)
			if c.Kind != reports.Resolved {
				sites[f.Site] = true
			}
		}
	}
	if broken := len(sites); reports.Stormy(broken, len(s.Subjects)) {
		messages = append(messages, AlertMessage{Kind: reports.Opened, Message: Storm(w, s.Name, broken, len(s.Subjects))})
		delete(names, reports.Opened)
		delete(names, reports.Worsened)
	}
	for _, kind := range []reports.ChangeKind{reports.Opened, reports.Worsened, reports.Resolved} {
		for _, code := range checks.Codes() {
			if incidents := names[kind][code]; len(incidents) > 0 {
				messages = append(messages, AlertMessage{Kind: kind, Message: Names(w, kind, incidents)})
			}
		}
	}
	return messages
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

// Closed is what an alert's message becomes once its incident is resolved: how
// it ended, then the alert's own title, without buttons.
func Closed(w Writer, alert reports.Message, i reports.Incident) reports.Message {
	m := resolved(w, i)
	m.Silent = true
	m.Sections = []reports.Section{{Text: alert.Title}}
	return m
}

// Alert is the message about one change of a server as a whole.
func Alert(w Writer, c reports.Change, s reports.Server) reports.Message {
	f := c.Incident.Finding
	if c.Kind == reports.Resolved {
		return resolvedOf(w, c.Incident, s)
	}
	m := w.message(toneOf(f.Severity), alertTitle(w, c))
	m.Facts = w.facts(c.Kind, c.Incident)
	m.Silent = f.Severity < checks.Critical
	if text := evidence(w, c, s); text != "" {
		m.Sections = append(m.Sections, reports.Section{Text: text})
	}
	if items := alertCauses(w, f, s); len(items) > 0 {
		m.Sections = append(m.Sections, reports.Section{Heading: w.Say("alert.causes"), Items: items})
	}
	m.Sections = append(m.Sections, w.next(f))
	m.Actions = alertActions(w, f)
	return m
}

// alertTitle is the first line: where, what, how much, and the threshold.
func alertTitle(w Writer, c reports.Change) string {
	f := c.Incident.Finding
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
	case f.Code == checks.PanelMissing:
		return w.Say("alert.panel.missing", args)
	case f.Code == checks.CAUnreachable && reports.Value(f) == 0:
		return w.Say("alert.egress.unreachable", args)
	case f.Code == checks.Unknown:
		return w.Say("alert.blind.text", args)
	case f.Code == checks.DNSBLListed:
		return w.Say("alert.dnsbl.listed", args)
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

// evidence says why this message comes now, and what the numbers suggest.
func evidence(w Writer, c reports.Change, s reports.Server) string {
	i := c.Incident
	var parts []string
	switch c.Kind {
	case reports.Worsened:
		parts = append(parts, w.Say("reason.worsened", i18n.Args{"Age": w.Now.Sub(i.Times.Opened)}))
	case reports.Reminded:
		parts = append(parts, w.Say("reason.reminded", i18n.Args{"Age": w.Now.Sub(i.Times.Opened)}))
	}
	if i.Peak > reports.Value(i.Finding) {
		parts = append(parts, w.Say("reason.peak", i18n.Args{"N": i.Peak}))
	}
	if i.Finding.Code == checks.PanelUnavailable {
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
	if i.Finding.Code == checks.CABudget || alike(i.Finding) {
		parts = append(parts, w.explain(i.Finding))
	}
	if off := switchedOff(w, i.Finding); len(off) > 0 {
		parts = append(parts, w.Say("evidence.off", i18n.Args{"What": off}))
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
	if !ok || f.Code == checks.PanelProcessing {
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
	if f.Code == checks.CABudget {
		actions = append(actions, reports.Action{Label: w.Say("action.limits"), Command: "limits server=" + f.Server})
	}
	return append(actions, reports.Action{Label: w.Say("action.status"), Command: "status"})
}

// resolved says how long an incident lasted and how high its count rose.
func resolved(w Writer, i reports.Incident) reports.Message {
	reason, _ := i.Finding.Args["reason"].(string)
	if slices.Contains(panelDoubts(), reason) {
		return over(w, i, "over.panel.doubted")
	}
	if alike(i.Finding) {
		return over(w, i, "over.alike")
	}
	return over(w, i, "over."+string(i.Finding.Code))
}

// resolvedOf is the end of an incident of a server, of which is known whether
// the panel changed back or was believed.
func resolvedOf(w Writer, i reports.Incident, s reports.Server) reports.Message {
	code := i.Finding.Code
	if (code == checks.PanelUnavailable || code == checks.PanelMissing) && !s.Believed.Before(i.Times.Opened) {
		return over(w, i, "over.panel.believed")
	}
	return resolved(w, i)
}

// panelDoubts are the reasons of a panel that could be read and is not believed.
func panelDoubts() []string { return []string{"shrunk", "replaced", "older"} }

func over(w Writer, i reports.Incident, key string) reports.Message {
	f := i.Finding
	args := w.args(f.Args)
	args["Server"], args["Age"], args["Peak"] = f.Server, i.Times.Resolved.Sub(i.Times.Opened), i.Peak
	m := w.message(reports.ToneOver, w.Say(key, args))
	m.Facts = w.facts(reports.Resolved, i)
	m.Silent = i.Worst < checks.Critical
	return m
}

// Names is one message about all sites of a server that share a code and a
// kind of change; incidents has at least one.
func Names(w Writer, kind reports.ChangeKind, incidents []reports.Incident) reports.Message {
	f := incidents[0].Finding
	severity, tone := checks.Healthy, reports.ToneOver
	items := make([]reports.Item, len(incidents))
	for n, i := range incidents {
		severity = max(severity, i.Finding.Severity)
		items[n] = reports.Item{Text: checks.Show(i.Finding.Site), Note: nameNote(w, kind, i)}
	}
	key := "over.names." + string(f.Code)
	if kind != reports.Resolved {
		key, tone = "names."+string(f.Code), toneOf(severity)
	}
	m := w.message(tone, w.Count(key, len(incidents), i18n.Args{"Server": f.Server}))
	m.Facts = w.factsOfNames(kind, incidents, severity)
	m.Silent = kind == reports.Resolved || severity < checks.Critical
	m.Sections = []reports.Section{{Items: items}}
	if kind == reports.Resolved {
		return m
	}
	m.Sections = append(m.Sections, w.next(f))
	if len(incidents) == 1 {
		m.Actions = []reports.Action{{Label: w.Say("action.check"), Command: "check " + f.Site}}
	}
	return m
}

func nameNote(w Writer, kind reports.ChangeKind, i reports.Incident) string {
	if kind == reports.Resolved {
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

// Storm says that so many sites broke at once that the cause is probably the
// server's (see reports.Stormy).
func Storm(w Writer, server string, changed, all int) reports.Message {
	m := w.message(reports.ToneBad, w.Count("storm.title", changed, i18n.Args{"Server": server, "All": all}))
	m.Facts = &reports.Facts{Event: reports.Opened, Server: server, Severity: checks.Critical, Count: &reports.Count{Value: changed}}
	m.Sections = []reports.Section{{Text: w.Say("storm.text")}}
	m.Actions = []reports.Action{{Label: w.Say("action.status"), Command: "status"}}
	return m
}

// Baseline is the summary of a panel's first complete reading.
func Baseline(w Writer, s reports.Server) reports.Message {
	w = w.counting().of(s)
	sites := w.listed(len(s.Snapshot.Sites), w.Say("action.sites"), "sites")
	m := w.message(toneOf(s.Worst()), w.Count("baseline.title", sites, i18n.Args{"Server": s.Name}))
	m.Silent = true
	m.Sections = append(m.Sections, reports.Section{Items: w.countItems(s)})
	m.Sections = append(m.Sections, troubled(w, s)...)
	m.Sections = append(m.Sections, reports.Section{Text: w.Say("baseline.text")})
	m.Numbers, m.Actions = w.numbers(), w.buttons(nil)
	return m
}
