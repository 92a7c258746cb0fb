package compose

import (
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Check answers "what is wrong with this site": cause, evidence, next step.
func (w Writer) Check(s reports.Site) reports.Message {
	site, verdict := s.Subject.Site, s.Verdict()
	name := checks.Show(site.Name)
	if alias := verdict.Finding.Name; alias != "" {
		name = w.Locale.Say("check.of", i18n.Args{"Site": name, "Name": checks.Show(alias)})
	}
	tone := toneOf(s.Worst(verdict))
	if verdict.Code == checks.OK {
		tone = reports.ToneOver
	}
	title := w.title(verdict.Code)
	if verdict.Code == checks.OK && s.Server.Trouble != "" {
		tone, title = reports.ToneUnknown, w.Locale.Say("check.stale", i18n.Args{"Title": title, "At": w.Locale.DateTime(s.Server.Read, w.Now)})
	}
	m := w.message(tone, name+" — "+title)
	m.Sections = append(m.Sections, w.cause(s, verdict)...)
	m.Sections = append(m.Sections, w.prospects(s)...)
	m.Sections = append(m.Sections, w.sitePanel(s), w.lookedAt(s))
	m.Actions = []reports.Action{{Label: w.Locale.Say("action.why"), Command: "why " + site.Name}}
	return m
}

// cause explains the verdict, quotes the CA and names the next step.
func (w Writer) cause(s reports.Site, v checks.Verdict) []reports.Section {
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
	if at := s.Server.TroubleSince(s.Subject, v.Code); !at.IsZero() && v.Severity > checks.Healthy {
		text += " " + w.Locale.Say("check.since", i18n.Args{"Date": w.Locale.Date(at, w.Now)})
	}
	sections := []reports.Section{{Text: text}}
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
func (w Writer) lookedAt(s reports.Site) reports.Section {
	var looked, failed []string
	failures := map[string]bool{}
	for _, f := range s.Server.Failures(s.Subject.Site.Name) {
		failures[f.Check] = true
	}
	for _, name := range s.Server.Outcome.Checks {
		if !w.Locale.Has("looked." + name) {
			continue // it looked at the server, not at the site
		}
		if name == reports.RowCheck && s.Subject.File != nil {
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
	return reports.Section{Text: text}
}

// lookedFromOutside says what the last look from outside saw, and what it
// could not look at; empty: there was none.
func (w Writer) lookedFromOutside(s reports.Site) string {
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
