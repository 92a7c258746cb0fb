package compose

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/quorum"
	"domovoy/i18n"
	"domovoy/reports"
)

// Check answers "what is wrong with this site": cause, short evidence, next step and
// who takes it. What the answer rests on is folded behind that.
func Check(w Writer, s reports.Site) reports.Message {
	site, verdict := s.Subject.Site, s.Verdict()
	name := checks.Show(site.Name)
	if alias := verdict.Finding.Name; alias != "" {
		name = w.Say("check.of", i18n.Args{"Site": name, "Name": checks.Show(alias)})
	}
	tone := toneOf(s.Worst(verdict))
	if verdict.Code == checks.OK {
		tone = reports.ToneOver
	}
	title := w.title(verdict.Code)
	if verdict.Code == checks.OK && s.Server.Trouble != "" {
		tone, title = reports.ToneUnknown, w.Say("check.stale", i18n.Args{"Title": title, "At": w.dateTime(s.Server.Read)})
	}
	ending := endingSections(w, s, verdict.Code)
	if verdict.Code == checks.OK && len(ending) > 0 {
		tone, title = reports.ToneWarning, w.title(checks.DNSEnding)
	}
	m := w.message(tone, name+" — "+title)
	if verdict.Code != checks.OK || len(ending) == 0 { // else it would say that nothing is wrong
		m.Sections = append(m.Sections, causeOf(w, s, verdict)...)
	}
	m.Sections = append(m.Sections, dropSections(w, s)...)
	m.Sections = append(m.Sections, prospects(w, s)...)
	m.Sections = append(m.Sections, ending...)
	for _, rest := range []reports.Section{sitePanel(w, s), words(w, s, verdict), lookedAt(w, s)} {
		rest.Folded = true
		m.Sections = append(m.Sections, rest)
	}
	m.Actions = []reports.Action{{Label: w.Say("action.why"), Command: "why " + site.Name}}
	if link, _ := w.Visible(s.Cause(verdict).Args)[checks.Secret].(string); link != "" {
		m.Actions = append(m.Actions, reports.Action{Label: w.Say("action.unpause"), URL: link})
	}
	return m
}

// causeOf explains the verdict and names the next step.
func causeOf(w Writer, s reports.Site, v checks.Verdict) []reports.Section {
	f := s.Cause(v)
	off := s.Subject.Site.Active == checks.Off && v.Code != checks.OK
	text := w.explain(f)
	switch {
	case off:
		text = w.Say("check.off")
	case v.Code == checks.Unknown && f.Detail != "":
		text = w.Say("check.unfamiliar")
	}
	if reached, _ := f.Args[quorum.ReachedArg].([]string); len(reached) > 0 && f.Check != checks.VantageCheck {
		text += " " + w.Say("check.split", i18n.Args{"Reached": reached})
	}
	if start := s.Server.StartOf(s.Subject, v); !start.At.IsZero() && v.Severity > checks.Healthy {
		text += " " + w.Say("check."+sinceWord(start), i18n.Args{"Date": w.date(start.At)})
	}
	sections := []reports.Section{{Text: text}}
	if v.Code != checks.OK && !off {
		sections = append(sections, w.nextOf(f, s.Subject.Site.Owner))
	}
	return sections
}

// words are what the cause was read from: the CA's own, a server's, or the last
// error where the next step is to read it.
func words(w Writer, s reports.Site, v checks.Verdict) reports.Section {
	if quote := checks.WithoutSecrets(s.Cause(v).Detail); quote != "" {
		return reports.Section{Text: w.Say("check.words"), Quote: quote}
	}
	last := s.LastError()
	if obstacles := w.obstacles(s); last == "" && v.Code == checks.Unknown && obstacles != "" {
		return reports.Section{Text: w.Say("check.words"), Quote: obstacles}
	}
	if last == "" || !readsLastError(v.Code) {
		return reports.Section{}
	}
	return reports.Section{
		Text:  w.Say("check.lasterror", i18n.Args{"At": w.moment(s.Subject.History.Last.Time)}),
		Quote: checks.WithoutSecrets(last)}
}

// obstacles are what prevented the looks at a site, one a line, each with the
// checks that it prevented.
func (w Writer) obstacles(s reports.Site) string {
	var met []string
	prevented := map[string][]string{}
	for _, f := range slices.Concat(s.Server.Failures(s.Subject.Site.Name), s.Server.Probes[s.Subject.Site.Name].Failures) {
		if f.Err == "" || f.Why != "" { // that is said in words
			continue
		}
		if prevented[f.Err] == nil {
			met = append(met, f.Err)
		}
		prevented[f.Err] = append(prevented[f.Err], f.Check)
	}
	for i, err := range met {
		met[i] = strings.Join(w.checkNames(prevented[err]), ", ") + ": " + err
	}
	return checks.WithoutSecrets(checks.Bound(strings.Join(met, "\n")))
}

// readsLastError reports whether the next step for a code is to read the last
// issuance error, which is then quoted.
func readsLastError(code checks.Code) bool {
	switch code {
	case checks.CertExpired, checks.CertOverdue, checks.CertExpiring, checks.CertUntrusted, checks.CertMissing, checks.PanelNoCertificate, checks.Unknown:
		return true
	}
	return false
}

// lookedAt says what the answer rests on: what was not checked is not called
// well.
func lookedAt(w Writer, s reports.Site) reports.Section {
	names := slices.DeleteFunc(slices.Clone(s.Server.Outcome.Checks), func(name string) bool {
		return name == reports.RowCheck && s.Subject.File != nil // the file was read, and says it better
	})
	looked, failed := split(names, s.Server.Failures(s.Subject.Site.Name))
	text := []string{w.Say("check.looked", i18n.Args{"What": w.List(w.checkNames(looked)), "At": w.dateTime(s.Server.Read)})}
	if names := w.checkNames(failed); len(names) > 0 {
		text = append(text, w.Say("check.failed", i18n.Args{"What": w.List(names)}))
	}
	if s.Server.Trouble != "" {
		text = append(text, w.trouble(s.Server))
	}
	if look := s.Server.Probes[s.Subject.Site.Name]; !look.At.IsZero() {
		looked, failed := split(look.Checks, look.Failures)
		if len(looked) > 0 {
			text = append(text, w.Say("check.outside", i18n.Args{"What": w.List(w.checkNames(looked)), "At": w.dateTime(look.At)}))
		}
		if len(failed) > 0 {
			text = append(text, w.Say("check.failed", i18n.Args{"What": w.List(w.checkNames(failed))}))
		}
		text = append(text, w.away(look.Failures)...)
		if len(look.Sights) > 0 {
			text = append(text, w.Say("check.seen", i18n.Args{"Who": w.sights(look.Sights)}))
		}
	}
	return reports.Section{Text: strings.Join(text, " ")}
}

// away says why hosts that checks need could not be asked, each reason once.
func (w Writer) away(failed []checks.Failure) (why []string) {
	for _, f := range failed {
		if f.Why == "" {
			continue
		}
		if text := w.Say("trouble." + f.Why); !slices.Contains(why, text) {
			why = append(why, text)
		}
	}
	return why
}

// sights say who saw what: "fra1 (AS64500, de): answers; mow1 (AS64501, ru): site
// does not respond".
func (w Writer) sights(all []checks.Sight) string {
	var said []string
	places := map[string][]string{}
	for _, s := range all {
		saw := w.title(s.Code)
		switch {
		case s.Blind != checks.SightGood:
			saw = w.Say("sight." + string(s.Blind))
		case s.Code == checks.OK:
			saw = w.Say("sight.ok")
		}
		if places[saw] == nil {
			said = append(said, saw)
		}
		places[saw] = append(places[saw], s.From.String())
	}
	for i, saw := range said {
		said[i] = strings.Join(places[saw], ", ") + ": " + saw
	}
	return strings.Join(said, "; ")
}

// split separates the names of checks that could look from those that failed.
func split(names []string, failures []checks.Failure) (looked, failed []string) {
	for _, name := range names {
		if slices.ContainsFunc(failures, func(f checks.Failure) bool { return f.Check == name && (!f.Seen || f.Name == "") }) {
			failed = append(failed, name)
		} else {
			looked = append(looked, name)
		}
	}
	return looked, failed
}

// prospects say what will happen to a site if nobody does anything.
func prospects(w Writer, s reports.Site) []reports.Section {
	var sections []reports.Section
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		if reports.Foretold(f.Code) {
			sections = append(sections, reports.Section{Text: w.explain(f)})
		}
	}
	return sections
}

// sitePanel says what the panel and the certificate say, and what else was
// found.
func sitePanel(w Writer, s reports.Site) reports.Section {
	x := s.Subject
	section := reports.Section{}
	add := func(label, text string) {
		if text != "" {
			section.Items = append(section.Items, reports.Item{Text: w.Say("check."+label) + ": " + text})
		}
	}
	if s.Asked != "" && s.Asked != x.Site.Name {
		asked := checks.Show(s.Asked)
		if !x.Site.HasAlias(s.Asked) {
			asked += " — " + w.Say("check.notalias")
		}
		add("alias", asked)
	}
	if len(s.Also) > 0 {
		section.Items = append(section.Items, reports.Item{Text: w.Say("check.elsewhere.same", i18n.Args{"Servers": s.Also})})
	}
	add("panel", panelFlags(w, x))
	add("certificate", certificate(w, x))
	add("served", servedCertificate(w, s))
	add("issuing", issuing(w, x))
	for _, r := range s.Registrations() {
		add("registration", w.registrationLine(r, w.Now))
	}
	for _, f := range s.Server.Findings(x.Site.Name) {
		if f.Code == checks.DNSLookalike { // never a cause, so it is explained here
			add("name", w.explain(f)+" "+w.next(f).Text)
		}
		if unsure(f) {
			add("caa", w.explain(f)+" "+w.next(f).Text)
		}
	}
	for _, note := range notes(w, s) {
		add("note", note)
	}
	add("also", strings.Join(alsoFound(w, s), ", "))
	return section
}

// panelFlags is what the panel says: where, whose, what is on or off.
func panelFlags(w Writer, x checks.Subject) string {
	parts := []string{checks.Place(x.Site.Server, x.Site.Node)}
	if x.Site.Owner != "" {
		parts = append(parts, w.Say("flag.owner", i18n.Args{"Owner": x.Site.Owner}))
	}
	say := func(name string, flag checks.Flag) {
		state := map[checks.Flag]string{checks.On: "on", checks.Off: "off", checks.Unset: "unset"}[flag]
		parts = append(parts, w.Say("flag."+name+"."+state))
	}
	say("active", x.Site.Active)
	say("secure", x.Site.Secure)
	say("redirect", x.Site.Redirect)
	if n := len(x.Site.Aliases); n > 0 {
		parts = append(parts, w.Count("flag.aliases", n))
	}
	return strings.Join(parts, ", ")
}

// certificate is the one in use, by its file's own dates.
func certificate(w Writer, x checks.Subject) string {
	switch {
	case x.File != nil:
		key := "certificate.file"
		if !x.File.NotAfter.After(w.Now) {
			key = "certificate.expired"
		}
		return w.Say(key, i18n.Args{
			"Name": x.Site.Certificate, "Issuer": x.File.Issuer,
			"Until": w.date(x.File.NotAfter),
			"Age":   w.Now.Sub(x.File.NotAfter), // Age drops the sign
			"Days":  w.lifetime(x.File.Lifetime()),
		})
	case x.Site.Certificate != "" && errors.Is(x.FileErr, fs.ErrNotExist):
		return w.Say("certificate.missing", i18n.Args{"Name": x.Site.Certificate})
	case x.Site.Certificate != "" && x.FileErr != nil:
		return w.Say("certificate.unread", i18n.Args{"Name": x.Site.Certificate})
	case x.Site.Certificate != "":
		return x.Site.Certificate
	}
	return w.Say("certificate.none")
}

// lifetime says how long a certificate is good for, in days. Those of 160 hours are of six
// days, as the CA calls them, not of seven.
func (w Writer) lifetime(life time.Duration) any {
	if life < 10*24*time.Hour {
		return life
	}
	return w.Count("days", int(life.Round(24*time.Hour)/(24*time.Hour)))
}

// servedCertificate says which certificate visitors got at the last check, if
// it is not the one of the file.
func servedCertificate(w Writer, s reports.Site) string {
	look := s.Server.Probes[s.Subject.Site.Name]
	if file := s.Subject.File; !look.Served.Known() || file != nil && file.NotAfter.Equal(look.Served.NotAfter) {
		return ""
	}
	key := "certificate.served"
	if !look.Served.NotAfter.After(w.Now) {
		key = "certificate.over"
	}
	return w.Say(key, i18n.Args{"Until": w.date(look.Served.NotAfter), "At": w.dateTime(look.At)})
}

// issuing says how issuing goes: under way, given up, failing in a row.
func issuing(w Writer, x checks.Subject) string {
	var parts []string
	if c := x.Certificate; c != nil {
		queued := c.Processing == checks.On && !c.Started.IsZero()
		switch gaveUp := c.Failed == checks.On; {
		case queued && gaveUp:
			parts = append(parts, w.Say("issuing.stalled", i18n.Args{"Age": w.Now.Sub(c.Started)}))
		case queued:
			parts = append(parts, w.Say("issuing.processing", i18n.Args{"Age": w.Now.Sub(c.Started)}))
		case gaveUp:
			parts = append(parts, w.Say("issuing.failed"))
		}
	}
	if h := x.History; h != nil {
		if h.Failures > 0 {
			parts = append(parts, w.Count("issuing.failures", h.Failures, i18n.Args{"Last": w.moment(h.Last.Time)}))
		}
		if !h.Issued.IsZero() {
			parts = append(parts, w.Say("issuing.issued", i18n.Args{"At": w.dateTime(h.Issued)}))
		}
	}
	return strings.Join(parts, "; ")
}
