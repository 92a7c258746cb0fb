package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
)

// Site is all that is known of one site, for check and why.
type Site struct {
	Server   Server
	Subject  checks.Subject
	Asked    string     // the name that was asked about: the site's own, or an alias
	Attempts []Try      // newest first
	Past     []Incident // newest first
	Acts     []Act      // newest first
}

// Try is an attempt to issue with what its words mean.
type Try struct {
	checks.Attempt
	Code checks.Code // empty: nobody knows these words, or there are none
}

// Act is something a person did.
type Act struct {
	At      time.Time
	Who     string
	Command string
	Result  string
}

// Verdict is the site's one root cause.
func (s Site) Verdict() checks.Verdict {
	name := s.Subject.Site.Name
	return checks.Judge(s.Server.Findings(name), s.Server.Failures(name))
}

// Certificates are the names under which the log keeps the site's attempts:
// the one in use, and the panel's row of it.
func (s Site) Certificates() []string {
	var names []string
	if name := s.Subject.Site.Certificate; name != "" {
		names = append(names, name)
	}
	if c := s.Subject.Certificate; c != nil && c.Name != "" && !slices.Contains(names, c.Name) {
		names = append(names, c.Name)
	}
	return names
}

// Check answers "what is wrong with this site": cause, evidence, next step.
func (w Writer) Check(s Site) Message {
	site, verdict := s.Subject.Site, s.Verdict()
	name := checks.Show(site.Name)
	tone := toneOf(verdict.Severity)
	if verdict.Code == checks.OK {
		tone = ToneOver
	}
	m := w.message(tone, name+" — "+w.title(verdict.Code))
	m.Sections = append(m.Sections, w.cause(s, verdict)...)
	m.Sections = append(m.Sections, w.sitePanel(s), w.lookedAt(s))
	m.Actions = []Action{{Label: w.Locale.Say("action.why"), Command: "why " + site.Name}}
	return m
}

// cause explains the verdict, quotes the CA and names the next step.
func (w Writer) cause(s Site, v checks.Verdict) []Section {
	f := v.Finding
	if f.Code == "" {
		f.Code = v.Code
	}
	text := w.explain(f)
	if since, ok := s.Server.Opened[s.Subject.Site.Name]; ok && v.Severity > checks.Healthy {
		text += " " + w.Locale.Say("check.since", i18n.Args{"Date": w.Locale.Date(since, w.Now)})
	}
	sections := []Section{{Text: text}}
	if f.Detail != "" {
		sections[0].Quote = f.Detail
	}
	if v.Code != checks.OK {
		sections = append(sections, w.next(v.Code))
	}
	return sections
}

// sitePanel says what the panel and the certificate say, and what else was
// found.
func (w Writer) sitePanel(s Site) Section {
	x := s.Subject
	section := Section{}
	add := func(label, text string) {
		if text != "" {
			section.Items = append(section.Items, Item{Text: w.Locale.Say("check."+label) + ": " + text})
		}
	}
	if s.Asked != "" && s.Asked != x.Site.Name {
		add("alias", checks.Show(s.Asked))
	}
	add("panel", w.flags(x))
	add("certificate", w.certificate(x))
	add("issuing", w.issuing(x))
	cause := s.Verdict().Code
	var also []string
	for _, f := range s.Server.Findings(x.Site.Name) {
		if f.Code != cause {
			also = append(also, w.title(f.Code))
		}
	}
	add("also", strings.Join(also, ", "))
	return section
}

// flags of the panel: whose, where, on or off.
func (w Writer) flags(x checks.Subject) string {
	parts := []string{x.Site.Server}
	if x.Site.Owner != "" {
		parts = append(parts, w.Locale.Say("flag.owner", i18n.Args{"Owner": x.Site.Owner}))
	}
	say := func(name string, flag checks.Flag) {
		state := map[checks.Flag]string{checks.On: "on", checks.Off: "off", checks.Unset: "unset"}[flag]
		parts = append(parts, w.Locale.Say("flag."+name+"."+state))
	}
	say("active", x.Site.Active)
	say("secure", x.Site.Secure)
	say("redirect", x.Site.Redirect)
	if n := len(x.Site.Aliases); n > 0 {
		parts = append(parts, w.Locale.Count("flag.aliases", n))
	}
	return strings.Join(parts, ", ")
}

// certificate in use, by its file's own dates.
func (w Writer) certificate(x checks.Subject) string {
	switch {
	case x.File != nil:
		return w.Locale.Say("certificate.file", i18n.Args{
			"Name": x.Site.Certificate, "Issuer": x.File.Issuer,
			"Until": w.Locale.Date(x.File.NotAfter, w.Now),
			"Left":  w.left(x.File.NotAfter),
			"Days":  w.Locale.Count("days", int(x.File.Lifetime().Round(24*time.Hour)/(24*time.Hour))),
		})
	case x.Site.Certificate != "" && x.FileErr != nil:
		return w.Locale.Say("certificate.unread", i18n.Args{"Name": x.Site.Certificate})
	case x.Site.Certificate != "":
		return x.Site.Certificate
	}
	return w.Locale.Say("certificate.none")
}

// left says how long until a moment, or how long ago it was.
func (w Writer) left(t time.Time) string {
	if d := t.Sub(w.Now); d > 0 {
		return w.Locale.Say("when.left", i18n.Args{"Age": d})
	}
	return w.Locale.Say("when.ago", i18n.Args{"Age": w.Now.Sub(t)})
}

// issuing says how issuing goes: under way, given up, failing in a row.
func (w Writer) issuing(x checks.Subject) string {
	var parts []string
	if c := x.Certificate; c != nil {
		if c.Processing == checks.On && !c.Started.IsZero() {
			parts = append(parts, w.Locale.Say("issuing.processing", i18n.Args{"Age": w.Now.Sub(c.Started)}))
		}
		if c.Failed == checks.On {
			parts = append(parts, w.Locale.Say("issuing.failed"))
		}
	}
	if h := x.History; h != nil {
		if h.Failures > 0 {
			parts = append(parts, w.Locale.Count("issuing.failures", h.Failures, i18n.Args{"Last": w.Locale.DateTime(h.Last.Time, w.Now)}))
		}
		if !h.Issued.IsZero() {
			parts = append(parts, w.Locale.Say("issuing.issued", i18n.Args{"At": w.Locale.DateTime(h.Issued, w.Now)}))
		}
	}
	return strings.Join(parts, "; ")
}

// lookedAt says what the answer rests on: nothing is well that was not
// looked at.
func (w Writer) lookedAt(s Site) Section {
	var looked, failed []string
	failures := map[string]bool{}
	for _, f := range s.Server.Failures(s.Subject.Site.Name) {
		failures[f.Check] = true
	}
	for _, name := range s.Server.Outcome.Checks {
		if !w.Locale.Has("looked." + name) {
			continue // it looked at the server, not at the site
		}
		label := w.Locale.Say("looked." + name)
		if failures[name] {
			failed = append(failed, label)
		} else {
			looked = append(looked, label)
		}
	}
	text := w.Locale.Say("check.looked", i18n.Args{"What": w.Locale.List(looked), "At": w.Locale.DateTime(s.Server.Read, w.Now)})
	if len(failed) > 0 {
		text += " " + w.Locale.Say("check.failed", i18n.Args{"What": w.Locale.List(failed)})
	}
	if s.Server.Trouble != "" {
		text += " " + w.trouble(s.Server)
	}
	return Section{Text: text}
}

// Why tells the history of a site: what was wrong, how issuing went, who did
// what.
func (w Writer) Why(s Site) Message {
	m := w.message(Plain, w.Locale.Say("why.title", i18n.Args{"Name": checks.Show(s.Subject.Site.Name)}))
	var past, attempts, acts []Item
	for _, i := range s.Past {
		past = append(past, w.pastItem(i))
	}
	for _, g := range group(s.Attempts) {
		attempts = append(attempts, w.attemptItem(g))
	}
	for _, a := range s.Acts {
		acts = append(acts, Item{Text: w.Locale.DateTime(a.At, w.Now) + " — " + a.Who, Note: a.Command})
	}
	for _, part := range []struct {
		key   string
		items []Item
	}{{"why.incidents", past}, {"why.attempts", attempts}, {"why.acts", acts}} {
		if len(part.items) > 0 {
			m.Sections = append(m.Sections, Section{Heading: w.Locale.Say(part.key), Items: part.items})
		}
	}
	if len(m.Sections) == 0 {
		m.Sections = []Section{{Text: w.Locale.Say("why.nothing")}}
	}
	m.Actions = []Action{{Label: w.Locale.Say("action.check"), Command: "check " + s.Subject.Site.Name}}
	return m
}

func (w Writer) pastItem(i Incident) Item {
	item := Item{Tone: toneOf(i.Finding.Severity), Text: w.title(i.Finding.Code)}
	from := w.Locale.DateTime(i.Times.Opened, w.Now)
	if i.Baseline {
		item.Note = w.Locale.Say("why.baseline", i18n.Args{"From": from})
	} else {
		item.Note = w.Locale.Say("why.from", i18n.Args{"From": from})
	}
	if !i.Times.Resolved.IsZero() {
		item.Tone = ToneOver
		item.Note += ", " + w.Locale.Say("why.lasted", i18n.Args{"Age": i.Times.Resolved.Sub(i.Times.Opened)})
	}
	return item
}

// run is some attempts in a row that ended alike, newest first.
type run struct {
	last, first Try
	n           int
}

// group folds attempts that mean the same. The words are no guide: each holds
// a token or a time of its own.
func group(attempts []Try) []run {
	var runs []run
	for _, a := range attempts {
		if n := len(runs); n > 0 && runs[n-1].last.Outcome == a.Outcome && runs[n-1].last.Code == a.Code && runs[n-1].last.Status == a.Status {
			runs[n-1].first = a
			runs[n-1].n++
			continue
		}
		runs = append(runs, run{last: a, first: a, n: 1})
	}
	return runs
}

func (w Writer) attemptItem(r run) Item {
	key := "attempt.unclear"
	switch r.last.Outcome {
	case checks.OutcomeFailed:
		key = "attempt.failed"
	case checks.OutcomeIssued:
		key = "attempt.issued"
	}
	item := Item{Text: w.Locale.Count(key, r.n, i18n.Args{"Status": r.last.Status}), Note: shorten200(r.last.Text)}
	if r.last.Code != "" {
		item.Note = w.title(r.last.Code)
	}
	when := w.Locale.DateTime(r.last.Time, w.Now)
	if r.last.Time.IsZero() {
		when = w.Locale.Say("attempt.undated")
	} else if r.n > 1 && !r.first.Time.IsZero() {
		when = w.Locale.Say("attempt.between", i18n.Args{"From": w.Locale.DateTime(r.first.Time, w.Now), "To": when})
	}
	item.Text = when + ": " + item.Text
	return item
}

// shorten200 keeps a log's words to a line or two.
func shorten200(s string) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > 200 {
		return string(runes[:199]) + "…"
	}
	return string(runes)
}
