package bot

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// site finds the site that a request names: "shop.ru", or "shop.ru
// server=isp2" where two panels have it.
func (b *Bot) site(ctx context.Context, command string, r Request) (reports.Site, error) {
	word, server, err := askedFor(command, r.Words)
	if err != nil {
		return reports.Site{}, err
	}
	name, err := checks.ParseName(word)
	if err != nil {
		return reports.Site{}, &Refusal{Code: ResultUsage, Key: "refusal.name", Args: i18n.Args{"Word": shown(word)}}
	}
	readable, dark, err := b.readable(ctx, listRequest{filter: reports.Filter{Server: server}}, r.Now)
	if err != nil {
		return reports.Site{}, err
	}
	if site, ok := lookUp(name, readable); ok {
		return site, nil
	}
	return reports.Site{}, notFound(name, readable, dark)
}

// askedFor reads a domain and maybe a server.
func askedFor(command string, words []string) (name, server string, err error) {
	for _, w := range words {
		value, isServer := strings.CutPrefix(w, "server=")
		switch {
		case isServer:
			server = value
		case name == "":
			name = w
		default:
			return "", "", usage(command, "usage.domain", w)
		}
	}
	if name == "" {
		return "", "", usage(command, "usage.domain", "")
	}
	return name, server, nil
}

// lookUp finds a site over all servers: its own name before an alias, and one
// that is switched on before one that is not, for a site that moves stands on
// two panels for a while.
func lookUp(name string, servers []reports.Server) (reports.Site, bool) {
	var found []reports.Site
	rank := func(s reports.Site) int {
		n := 0
		if s.Subject.Site.Name != name {
			n += 2
		}
		if s.Subject.Site.Active == checks.Off {
			n++
		}
		return n
	}
	for _, s := range servers {
		if x, ok := s.Find(name); ok {
			found = append(found, reports.Site{Server: s, Subject: x, Asked: name})
		}
	}
	if len(found) == 0 {
		return reports.Site{}, false
	}
	slices.SortStableFunc(found, func(a, b reports.Site) int { return cmp.Compare(rank(a), rank(b)) })
	for _, other := range found[1:] {
		found[0].Also = append(found[0].Also, other.Server.Name)
	}
	return found[0], true
}

// notFound says so, with what may have been meant, and with the panels that
// could not be searched.
func notFound(name string, servers []reports.Server, dark []string) error {
	refusal := &Refusal{Code: ResultNotFound, Key: "refusal.site", Args: i18n.Args{"Name": checks.Show(name)}}
	if near := similar(name, servers); len(near) > 0 {
		refusal.Key, refusal.Args["Similar"] = "refusal.similar", near
	}
	if len(dark) > 0 {
		refusal.Key, refusal.Args["Servers"] = "refusal.dark", dark
	}
	return refusal
}

// similar finds up to three sites that may have been meant.
func similar(name string, servers []reports.Server) []string {
	label, _, _ := strings.Cut(strings.TrimPrefix(name, "www."), ".")
	var near []string
	for _, s := range servers {
		for _, x := range s.Subjects {
			if strings.Contains(x.Site.Name, label) || strings.HasSuffix(name, "."+x.Site.Name) {
				near = append(near, checks.Show(x.Site.Name))
			}
		}
	}
	slices.SortFunc(near, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return near[:min(3, len(near))]
}
