package compose

import (
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// registryDay says the day of a registry's date. One without a time of day is
// midnight UTC, and has to stay the same day in every time zone.
func (w Writer) registryDay(t time.Time) string {
	if u := t.UTC(); u.Equal(u.Truncate(24 * time.Hour)) {
		t = u.Add(12*time.Hour - time.Minute)
	}
	return w.date(t)
}

// endingNote says when the registration ends, whose it is, who pays, and what else
// stands in the way.
func endingNote(w Writer, e reports.Ending) string {
	parts := []string{w.endsOn(e)}
	if e.Owner != "" {
		parts = append(parts, e.Owner)
	}
	parts = append(parts, w.Say("registration.pays", i18n.Args{"Who": string(e.Who)}))
	if remark := w.EndingRemark(e); remark != "" {
		parts = append(parts, remark)
	}
	return strings.Join(parts, " · ")
}

// EndingRemark says what else stands in the way of a registration that ends: where
// it is parked, that its owner is not identified; empty: nothing.
func (w Writer) EndingRemark(e reports.Ending) string {
	var parts []string
	if e.Parking != "" {
		parts = append(parts, w.Say("registration.parked", i18n.Args{"Registrar": e.Parking}))
	}
	if e.Unverified {
		parts = append(parts, w.Say("registration.unverified"))
	}
	return strings.Join(parts, " · ")
}

// endsOn says when a registration ends; of one that has ended, when the domain
// will be free.
func (w Writer) endsOn(e reports.Ending) string {
	args := i18n.Args{"Date": w.registryDay(e.Ends)}
	if e.Ends.After(w.Now) {
		return w.Say("registration.ends", args)
	}
	if !e.Free.IsZero() {
		args["Free"] = w.registryDay(e.Free)
	}
	return w.Say("registration.ended", args)
}

// endingRow is a row of the list of registrations that end: the domain if it is
// another name than the site's, and what the site suffers from besides.
func endingRow(w Writer, r reports.Row) string {
	note := endingNote(w, *r.Ending)
	if r.Name != "" {
		note = checks.Show(r.Name) + " · " + note
	}
	if r.Code != "" && r.Code != checks.OK && r.Severity > checks.Info {
		note += " · " + w.title(r.Code)
	}
	return note
}

// undatedDomains says of how many domains it is not known when their registration
// ends, and why; empty: it is known of all.
func (w Writer) undatedDomains(counts map[checks.RegistrationStanding]int) string {
	var parts []string
	for _, standing := range []checks.RegistrationStanding{checks.RegistrationFailing, checks.RegistrationNone, checks.RegistrationUndated, checks.RegistrationWaiting} {
		if n := counts[standing]; n > 0 {
			parts = append(parts, w.Say("registration.counts."+string(standing), i18n.Args{"N": n}))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return w.Say("registration.undated", i18n.Args{"What": strings.Join(parts, ", ")})
}

// mostUnasked is how many registries are named that could not be asked.
const mostUnasked = 3

// unasked says which registries could not be asked, and what to do about it.
func (w Writer) unasked(all []reports.Unasked) string {
	var parts []string
	for _, x := range all[:min(mostUnasked, len(all))] {
		args := registryArgs(x.Registry)
		args["N"] = x.Domains
		parts = append(parts, w.Say("registration.unasked."+string(x.Failure), args))
	}
	if len(all) > mostUnasked {
		parts = append(parts, w.Say("registration.unasked.more", i18n.Args{"N": len(all) - mostUnasked}))
	}
	return strings.Join(parts, " ")
}

// registryArgs are the server of a registry, the port that has to be open on the
// way to it, and whether another WHOIS server may be named.
func registryArgs(server string) i18n.Args {
	port := "443" // of RDAP
	if at := strings.LastIndexByte(server, ':'); at >= 0 {
		port = server[at+1:]
	}
	return i18n.Args{"Registry": server, "Port": port, "Whois": port == "43"}
}

// registrationLine is what is known of the registration of a domain, and since
// when.
func (w Writer) registrationLine(r checks.Registration, now time.Time) string {
	standing := r.Standing(now)
	args := i18n.Args{"Domain": checks.Show(r.Domain), "Source": r.Answer.Source, "Registrar": r.Answer.Registrar,
		"Parking": r.Parking, "Unverified": r.Answer.Unverified}
	if !r.Looked.IsZero() {
		args["Looked"] = w.dateTime(r.Looked)
	}
	if ends := r.Ends(); !ends.IsZero() {
		args["Ends"], args["Over"] = w.registryDay(ends), !ends.After(now)
	}
	if standing == checks.RegistrationFailing || r.Failure != "" {
		args["Failure"] = w.Say("registration.failure."+string(r.Failure), registryArgs(r.Registry))
		args["Due"] = w.dateTime(r.Due)
	}
	return w.Say("registration.line."+string(standing), args)
}

// endingSections say of a site that its registration ends soon, and who does what
// about it. Where the root cause says that the domain is not paid for, that is
// said already.
func endingSections(w Writer, s reports.Site, cause checks.Code) []reports.Section {
	if cause == checks.DNSUndelegated || cause == checks.DNSUnregistered {
		return nil
	}
	var sections []reports.Section
	for _, f := range s.Findings() {
		if f.Code == checks.DNSEnding && f.Severity > checks.Info {
			sections = append(sections, reports.Section{Text: w.explain(f)}, w.nextOf(f, s.Subject.Site.Owner))
		}
	}
	return sections
}

// endingSoon is the digest's part about registrations: how many end within a
// month, and the first of them if that is within a week.
func endingSoon(w Writer, d reports.Day) []reports.Section {
	var sections []reports.Section
	if all := d.Endings(); len(all) > 0 {
		section := reports.Section{Heading: w.Say("daily.ending", i18n.Args{"N": w.listed(len(all), w.Say("action.ending"), "ending")})}
		for _, e := range all[:min(len(all), phoneList)] {
			if !e.Ends.After(w.Now.Add(reports.EndingSoon)) {
				section.Items = append(section.Items, endingItem(w, e))
			}
		}
		if len(section.Items) > 0 {
			section.Left = len(all) - len(section.Items)
		}
		sections = append(sections, section)
	}
	if undated := w.undatedDomains(reports.Coverage(d.Servers)); undated != "" {
		sections = append(sections, reports.Section{Text: sentences(undated, w.unasked(reports.CouldNotAsk(d.Servers)))})
	}
	return sections
}

// endingItem is a site whose registration ends.
func endingItem(w Writer, e reports.Ending) reports.Item {
	item := reports.Item{Text: checks.Show(e.Site), Note: endingNote(w, e)}
	if e.Domain != e.Site {
		item.Note = checks.Show(e.Domain) + " · " + item.Note
	}
	return item
}

// weeklyEndings is the weekly report's part about registrations.
func weeklyEndings(w Writer, r reports.Weekly) []reports.Section {
	var sections []reports.Section
	if n := len(r.Endings); n > 0 {
		s := reports.Section{Heading: w.Count("weekly.list.ending", w.inWeek(r, n, "ending", "ending"))}
		for _, e := range r.Endings[:min(phoneList, n)] {
			s.Items = append(s.Items, endingItem(w, e))
		}
		s.Left = n - len(s.Items)
		sections = append(sections, s)
	}
	undated := 0
	for _, s := range r.Servers {
		undated += s.Undated
	}
	if undated > 0 {
		sections = append(sections, reports.Section{Text: w.Say("weekly.undated", i18n.Args{"N": undated})})
	}
	return sections
}
