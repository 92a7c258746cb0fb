package commands

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/bot/probe"
	"domovoy/bot/share"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// sites answers about one site.
type sites struct {
	journal *journal.Journal
	watch   *watch.Watch
	prober  *probe.Prober
	pages   *share.Pages // nil: customers are shown nothing
}

// find finds the site that a request names: "shop.ru", or "shop.ru
// server=isp2" where two panels have it.
func (s sites) find(ctx context.Context, command string, r bot.Request) (reports.Site, error) {
	word, server, err := askedFor(command, r.Words)
	if err != nil {
		return reports.Site{}, err
	}
	name, invalid := checks.ParseName(word)
	if invalid != nil {
		name = strings.ToLower(word) // a panel may have it all the same: localhost, an address
	}
	filter := reports.Filter{Server: server}
	known, unread, err := split(s.watch.States(), listRequest{filter: filter})
	for i := range known {
		known[i] = filter.OnNodes(known[i])
	}
	site, ok := lookUp(name, known)
	if parent := under(name); !ok && parent != "" { // people paste www.shop.ru, and mean the site
		site, ok = lookUp(parent, known)
		site.Asked = name
	}
	switch {
	case !ok && invalid != nil:
		return reports.Site{}, bot.NotDomain(word)
	case err != nil:
		return reports.Site{}, err
	case !ok:
		return reports.Site{}, notFound(command, name, known, unread)
	}
	open, err := s.journal.OpenIncidents(ctx)
	site.Server = watch.Opened(site.Server, slices.Values(open))
	return site, err
}

// under is the name that www.NAME and *.NAME belong to; empty: it is neither.
func under(name string) string {
	for _, prefix := range []string{"www.", "*."} {
		if parent, ok := strings.CutPrefix(name, prefix); ok {
			return parent
		}
	}
	return ""
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
			return "", "", bot.Usage(command, "usage.domain", w)
		}
	}
	if name == "" {
		return "", "", bot.Usage(command, "usage.domain", "")
	}
	return name, server, nil
}

// lookUp finds a site over all servers: its own name before an alias, and one
// that is switched on before one that is not, since a site that moves is on two
// panels for a while.
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

// notFound says so, with what may have been meant, also as buttons, and with the
// panels that could not be searched.
func notFound(command, name string, servers []reports.Server, unread []string) error {
	refusal := &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.site", Args: i18n.Args{"Name": checks.Show(name)}}
	if near := similar(name, servers); len(near) > 0 {
		refusal.Key = "refusal.similar"
		shown := make([]string, len(near))
		for i, n := range near {
			shown[i] = checks.Show(n)
			refusal.Offers = append(refusal.Offers, offer(checks.ToUnicode(n), command+" "+n))
		}
		refusal.Args["Similar"] = shown
	}
	if len(unread) > 0 {
		refusal.Key, refusal.Args["Servers"] = "refusal.dark", unread
	}
	return refusal
}

// similar finds up to three sites that may have been meant, the most similar
// first: the one that the name is below, then those with the same first label,
// then those that contain it; of these, in the same zone first.
func similar(name string, servers []reports.Server) []string {
	label, zone, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, "www."), "*."), ".")
	type candidate struct {
		name string
		rank int
	}
	var near []candidate
	for _, s := range servers {
		for _, x := range s.Subjects {
			site := x.Site.Name
			first, below, _ := strings.Cut(site, ".")
			c := candidate{site, 2}
			switch {
			case strings.HasSuffix(name, "."+site):
				c.rank = 0
			case first == label:
				c.rank = 1
			case !strings.Contains(site, label):
				continue
			}
			if c.rank *= 2; c.rank > 0 && below != zone {
				c.rank++
			}
			near = append(near, c)
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range near[:min(3, len(near))] {
		names = append(names, c.name)
	}
	return names
}

// serversFor are the servers that a request names, parted as split does.
func serversFor(ctx context.Context, w *watch.Watch, asked listRequest) (readable []reports.Server, unread []string, err error) {
	servers, err := w.Standing(ctx)
	if err != nil {
		return nil, nil, err
	}
	return split(servers, asked)
}

// split parts the servers that a request names into those that can be listed
// and those that cannot, since the panel could not be read or lacks what the
// list needs: an empty list would be false. When none can, that is the error.
func split(servers []reports.Server, asked listRequest) (readable []reports.Server, unread []string, err error) {
	named, err := asked.named(servers)
	if err != nil {
		return nil, nil, err
	}
	reason := reports.NeverRead
	for _, s := range named {
		why := cmp.Or(unknown(s, checks.Code("panel."+asked.kind)), unseen(s, asked.kind))
		if why == "" {
			readable = append(readable, s)
			continue
		}
		unread, reason = append(unread, s.Name), why
	}
	if len(readable) == 0 {
		word, what, _ := strings.Cut(reason, ": ")
		return nil, nil, &bot.Refusal{Code: bot.ResultUnavailable, Key: "trouble." + word, Args: i18n.Args{"What": what}}
	}
	return readable, unread, nil
}

// unknown says why a server's count is not known; empty: it is. A panel that
// cannot be read just now still has what was read of it.
func unknown(s reports.Server, code checks.Code) string {
	if s.Read.IsZero() {
		return cmp.Or(s.Trouble, reports.NeverRead)
	}
	for _, r := range s.Readings {
		if r.Code == code {
			return r.Err
		}
	}
	return ""
}

// unseen says why a list that rests on looks from outside cannot be given;
// empty: it can. That nothing is unclear means nothing either before such a look.
func unseen(s reports.Server, kind string) string {
	_, oldest := s.LookCoverage()
	switch {
	case !oldest.IsZero(), !reports.FromOutside(kind) && kind != "unknown", kind == "unknown" && len(s.List(kind)) > 0:
		return ""
	case s.Probes == nil:
		return "inside"
	}
	return "unseen"
}

// named are the servers that a request names: all, where it names none.
func (l listRequest) named(servers []reports.Server) ([]reports.Server, error) {
	if err := l.fits(servers); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(servers), func(s reports.Server) bool { return !l.filter.HasServer(s.Name) || !l.hasNode(s) }), nil
}

// fits refuses filters that can match nothing by themselves.
func (l listRequest) fits(servers []reports.Server) error {
	refuse := func(key, word string) error {
		return &bot.Refusal{Code: bot.ResultUsage, Key: "refusal.unknown." + key, Args: i18n.Args{"Word": bot.Short(word), "Servers": serverNames(servers)}}
	}
	if _, err := path.Match(l.filter.Owner, ""); err != nil {
		return refuse("owner", l.filter.Owner)
	}
	if s := l.filter.Server; s != "" && !slices.ContainsFunc(servers, func(x reports.Server) bool { return l.filter.HasServer(x.Name) && l.hasNode(x) }) {
		return refuse("server", s)
	}
	if l.filter.Cause == reports.CauseRest && l.kind == "reissue" { // it has no list of causes that are others
		return refuse("cause", l.filter.Cause)
	}
	for _, c := range l.filter.Causes() {
		if !slices.ContainsFunc(checks.Codes(), func(x checks.Code) bool { return string(x) == c || strings.HasPrefix(string(x), c+".") }) {
			return refuse("cause", c)
		}
	}
	return nil
}

// hasNode reports whether a server has a node that the filter names; where it
// names none, each has.
func (l listRequest) hasNode(s reports.Server) bool {
	_, node := checks.ParsePlace(l.filter.Server)
	return node == "" || slices.ContainsFunc(s.Snapshot.Nodes, func(n checks.Node) bool { return l.filter.HasNode(n.Name) })
}

// serverNames are those of servers and of their nodes.
func serverNames(servers []reports.Server) []string {
	var names []string
	for _, s := range servers {
		names = append(names, s.Name)
		for _, n := range s.Snapshot.Nodes {
			names = append(names, checks.Place(s.Name, n.Name))
		}
	}
	return names
}
