package compose

import (
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Reissue is what re-issuing certificates would take.
type Reissue struct {
	Servers []reports.ReissueServer
	Dark    []string // servers that could not be read
}

// Reissue tells which of the chosen sites would pass, why others would not,
// and the price.
func (w Writer) Reissue(r Reissue) reports.Message {
	pass, fail, unknown, unseen := 0, 0, 0, 0
	var codes []checks.Code
	for _, s := range r.Servers {
		pass, unknown, unseen = pass+len(s.Pass), unknown+s.Unknown, unseen+s.Unseen
		for code, n := range s.Causes {
			fail += n
			for range n {
				codes = append(codes, code)
			}
		}
	}
	if pass+fail+unknown == 0 && len(r.Dark) == 0 {
		return w.message(reports.Plain, w.Locale.Say("reissue.none"))
	}
	title := "reissue.title"
	switch {
	case pass+unknown == 0:
		title = "reissue.barred"
	case pass > 0 && unseen == pass:
		title = "reissue.unlooked" // no promise about what nobody looked at
	}
	m := w.message(reports.Plain, w.Locale.Count(title, pass+fail+unknown, i18n.Args{"Pass": pass}))
	if len(r.Dark) > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Locale.Say("list.unread.some", i18n.Args{"Servers": r.Dark})})
	}
	if pass+fail+unknown == 0 {
		return m
	}
	if len(codes) > 0 {
		m.Sections = append(m.Sections, reports.Section{Heading: w.Locale.Count("reissue.fail", fail), Items: w.causeItems(causes(codes), 6)})
	}
	if unknown > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Locale.Count("reissue.unknown", unknown)})
	}
	for _, s := range r.Servers {
		if len(s.Pass) > 0 {
			m.Sections = append(m.Sections, w.priceOf(s)...)
		}
	}
	return m
}

// priceOf is what one server's part costs, and what that rests on.
func (w Writer) priceOf(s reports.ReissueServer) []reports.Section {
	p := s.Price
	section := reports.Section{Heading: w.Locale.Count("reissue.price", p.Orders, i18n.Args{"Server": s.Server}), Text: w.takes(p)}
	for _, d := range p.Domains[:min(len(p.Domains), 5)] {
		section.Items = append(section.Items, reports.Item{Text: w.Locale.Say("reissue.domain", i18n.Args{"Domain": checks.Show(d.Domain), "Orders": d.Orders, "Left": d.Left})})
	}
	for _, b := range p.Waiting[:min(len(p.Waiting), 5)] {
		section.Items = append(section.Items, w.budget(b))
	}
	sections := []reports.Section{section}
	if !s.Oldest.IsZero() {
		sections = append(sections, reports.Section{Text: w.Locale.Say("reissue.looked", i18n.Args{"At": w.Locale.DateTime(s.Oldest, w.Now), "Age": w.Now.Sub(s.Oldest)})})
	}
	if s.Unseen > 0 {
		sections = append(sections, reports.Section{Text: w.Locale.Count("reissue.unseen", s.Unseen)})
	}
	return sections
}

// takes says how long, and why.
func (w Writer) takes(p checks.Price) string {
	if !p.Known {
		return w.Locale.Say("limits.unknown")
	}
	text := ""
	if p.Renewals > 0 {
		text = w.Locale.Count("reissue.renewals", p.Renewals) + " "
	}
	if p.Takes == 0 {
		return text + w.Locale.Say("reissue.now")
	}
	return text + w.Locale.Say("reissue.takes", i18n.Args{"Age": p.Takes})
}
