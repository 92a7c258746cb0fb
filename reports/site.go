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
	Also     []string   // other servers that have it too
	Attempts []Try      // newest first
	Past     []Incident // newest first
	Acts     []Act      // newest first
}

// Try is an attempt to issue with what its words mean.
type Try struct {
	checks.Attempt
	Code checks.Code // empty: nobody knows these words, or there are none
	Args checks.Args // what else the words tell; may be nil
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
// the one in use, the panel's row of it, and a newer order.
func (s Site) Certificates() []string {
	var names []string
	if name := s.Subject.Site.Certificate; name != "" {
		names = append(names, name)
	}
	for _, c := range []*checks.Certificate{s.Subject.Certificate, s.Subject.Order} {
		if c != nil && c.Name != "" && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Check answers "what is wrong with this site": cause, evidence, next step.
func (w Writer) Check(s Site) Message {
	site, verdict := s.Subject.Site, s.Verdict()
	name := checks.Show(site.Name)
	if alias := verdict.Finding.Name; alias != "" {
		name = w.Locale.Say("check.of", i18n.Args{"Site": name, "Name": checks.Show(alias)})
	}
	tone := toneOf(s.worst(verdict))
	if verdict.Code == checks.OK {
		tone = ToneOver
	}
	title := w.title(verdict.Code)
	if verdict.Code == checks.OK && s.Server.Trouble != "" {
		tone, title = ToneUnknown, w.Locale.Say("check.stale", i18n.Args{"Title": title, "At": w.Locale.DateTime(s.Server.Read, w.Now)})
	}
	m := w.message(tone, name+" — "+title)
	m.Sections = append(m.Sections, w.cause(s, verdict)...)
	m.Sections = append(m.Sections, w.prospects(s)...)
	m.Sections = append(m.Sections, w.sitePanel(s), w.lookedAt(s))
	m.Actions = []Action{{Label: w.Locale.Say("action.why"), Command: "why " + site.Name}}
	return m
}

// worst is how bad things are: the cause may be milder than what it led to.
func (s Site) worst(v checks.Verdict) checks.Severity {
	worst := v.Severity
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		worst = max(worst, f.Severity)
	}
	return worst
}

// cause explains the verdict, quotes the CA and names the next step.
func (w Writer) cause(s Site, v checks.Verdict) []Section {
	f := v.Finding
	if f.Code == "" {
		f.Code = v.Code
	}
	off := s.Subject.Site.Active == checks.Off && v.Code != checks.OK
	text := w.explain(f)
	switch {
	case off:
		text = w.Locale.Say("check.off")
	case v.Code == checks.Unknown && f.Detail != "":
		text = w.Locale.Say("check.unfamiliar")
	}
	if at := s.Server.since(s.Subject, v.Code); !at.IsZero() && v.Severity > checks.Healthy {
		text += " " + w.Locale.Say("check.since", i18n.Args{"Date": w.Locale.Date(at, w.Now)})
	}
	sections := []Section{{Text: text}}
	if f.Detail != "" {
		sections[0].Quote = checks.WithoutSecrets(f.Detail)
	}
	if v.Code != checks.OK && !off {
		sections = append(sections, w.next(f))
	}
	return sections
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
		if name == rowCheck && s.Subject.File != nil {
			continue // the file says it better, and was asked
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
	if outside := w.lookedFromOutside(s); outside != "" {
		text += " " + outside
	}
	return Section{Text: text}
}

// lookedFromOutside says what the last look from outside saw, and what it
// could not look at; empty: there was none.
func (w Writer) lookedFromOutside(s Site) string {
	look, ok := s.Server.Looks[s.Subject.Site.Name]
	if !ok || look.At.IsZero() {
		return ""
	}
	var looked, failed []string
	for _, name := range look.Checks {
		blind := slices.ContainsFunc(look.Failures, func(f checks.Failure) bool { return f.Check == name })
		if label := w.Locale.Say("looked." + name); blind {
			failed = append(failed, label)
		} else {
			looked = append(looked, label)
		}
	}
	var text []string
	if len(looked) > 0 {
		text = append(text, w.Locale.Say("check.outside", i18n.Args{"What": w.Locale.List(looked), "At": w.Locale.DateTime(look.At, w.Now)}))
	}
	if len(failed) > 0 {
		text = append(text, w.Locale.Say("check.failed", i18n.Args{"What": w.Locale.List(failed)}))
	}
	return strings.Join(text, " ")
}
