package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
)

// Reissue is what re-issuing certificates would take.
type Reissue struct {
	Servers []ReissueServer
	Dark    []string // servers that could not be read
}

// ReissueServer is one server's part of it.
type ReissueServer struct {
	Server  string
	Pass    []checks.Site
	Causes  map[checks.Code]int // of those that would fail
	Unknown int                 // sites of which it could not be told
	Unseen  int                 // of those that would pass, the ones nobody looked at from outside
	Oldest  time.Time           // the oldest look that this rests on; zero: none
	Price   checks.Price
}

// HasServer reports whether a server passes.
func (f Filter) HasServer(name string) bool { return glob(f.Server, name) }

// Reissuable parts a server's sites by whether they would get a certificate
// today, by the verdict of the last look. Sites that are off or have no TLS
// are none that one would re-issue.
func Reissuable(s Server, f Filter) ReissueServer {
	out := ReissueServer{Server: s.Name, Causes: map[checks.Code]int{}}
	bySite := s.BySite()
	for _, x := range s.Subjects {
		name, part := x.Site.Name, bySite(x.Site.Name)
		if x.Site.Active == checks.Off || x.Site.Secure == checks.Off {
			continue
		}
		v := checks.Judge(part.Findings(name), part.Failures(name))
		if !f.keeps(Row{Owner: x.Site.Owner, Server: s.Name, Code: v.Code}) {
			continue
		}
		switch {
		case v.Code == checks.Unknown:
			out.Unknown++
		case prevents(v.Code):
			out.Causes[v.Code]++
		default:
			out.Pass = append(out.Pass, *x.Site)
			at := s.Looks[name].At
			if at.IsZero() {
				out.Unseen++
			} else if out.Oldest.IsZero() || at.Before(out.Oldest) {
				out.Oldest = at
			}
		}
	}
	slices.SortFunc(out.Pass, func(a, b checks.Site) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// prevents reports whether a root cause keeps the CA from issuing: the name,
// the way in, the account, the CA's own words. What is wrong with the
// certificate in place is what a re-issue is for, and what the CA does wrong
// once it does right the next time.
func prevents(code checks.Code) bool {
	if code == checks.CAFlaky || code == checks.CAInternal {
		return false
	}
	family, _, _ := strings.Cut(string(code), ".")
	return family == "dns" || family == "web" || family == "ca"
}

// Reissue tells which of the chosen sites would pass, why others would not,
// and the price.
func (w Writer) Reissue(r Reissue) Message {
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
		return w.message(Plain, w.Locale.Say("reissue.none"))
	}
	title := "reissue.title"
	switch {
	case pass+unknown == 0:
		title = "reissue.barred"
	case pass > 0 && unseen == pass:
		title = "reissue.unlooked" // no promise about what nobody looked at
	}
	m := w.message(Plain, w.Locale.Count(title, pass+fail+unknown, i18n.Args{"Pass": pass}))
	if len(r.Dark) > 0 {
		m.Sections = append(m.Sections, Section{Text: w.Locale.Say("list.unread.some", i18n.Args{"Servers": r.Dark})})
	}
	if pass+fail+unknown == 0 {
		return m
	}
	if len(codes) > 0 {
		m.Sections = append(m.Sections, Section{Heading: w.Locale.Count("reissue.fail", fail), Items: w.causeItems(causes(codes), 6)})
	}
	if unknown > 0 {
		m.Sections = append(m.Sections, Section{Text: w.Locale.Count("reissue.unknown", unknown)})
	}
	for _, s := range r.Servers {
		if len(s.Pass) > 0 {
			m.Sections = append(m.Sections, w.priceOf(s)...)
		}
	}
	return m
}

// priceOf is what one server's part costs, and what that rests on.
func (w Writer) priceOf(s ReissueServer) []Section {
	p := s.Price
	section := Section{Heading: w.Locale.Count("reissue.price", p.Orders, i18n.Args{"Server": s.Server}), Text: w.takes(p)}
	for _, d := range p.Domains[:min(len(p.Domains), 5)] {
		section.Items = append(section.Items, Item{Text: w.Locale.Say("reissue.domain", i18n.Args{"Domain": checks.Show(d.Domain), "Orders": d.Orders, "Left": d.Left})})
	}
	for _, b := range p.Waiting[:min(len(p.Waiting), 5)] {
		section.Items = append(section.Items, w.budget(b))
	}
	sections := []Section{section}
	if !s.Oldest.IsZero() {
		sections = append(sections, Section{Text: w.Locale.Say("reissue.looked", i18n.Args{"At": w.Locale.DateTime(s.Oldest, w.Now), "Age": w.Now.Sub(s.Oldest)})})
	}
	if s.Unseen > 0 {
		sections = append(sections, Section{Text: w.Locale.Count("reissue.unseen", s.Unseen)})
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
