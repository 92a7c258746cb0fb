package bot

import (
	"domovoy/checks"
	"domovoy/reports"
)

// news is which sites were looked at since somebody asked. Whatever was not
// is as it was, so its incidents need not be compared with it.
type news struct {
	all   bool
	sites map[string]bool
}

// learned notes what a reading looked at.
func (p *watched) learned(sites []string, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.news.all = p.news.all || all
	if p.news.all {
		p.news.sites = nil
		return
	}
	if p.news.sites == nil {
		p.news.sites = map[string]bool{}
	}
	for _, site := range sites {
		p.news.sites[site] = true
	}
}

// takeNews gives what is known with what is new of it.
func (p *watched) takeNews() (reports.Server, news) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.news
	if p.server.Trouble == "" {
		p.news = news{}
	}
	return p.server, n
}

// narrow leaves of a server and of its open incidents what is news, what is
// about to be over, and what concerns the server as a whole.
func (n news) narrow(s reports.Server, open []reports.Incident) (reports.Server, []reports.Incident) {
	if n.all {
		return s, open
	}
	sites := map[string]bool{"": true}
	for site := range n.sites {
		sites[site] = true
	}
	for _, i := range open {
		if i.Clear > 0 {
			sites[i.Finding.Site] = true
		}
	}
	s.Outcome.Findings = only(s.Outcome.Findings, func(f *checks.Finding) bool { return sites[f.Site] })
	s.Outcome.Failures = only(s.Outcome.Failures, func(f *checks.Failure) bool { return sites[f.Site] })
	s.Subjects = only(s.Subjects, func(x *checks.Subject) bool { return sites[x.Site.Name] })
	return s, only(open, func(i *reports.Incident) bool { return sites[i.Finding.Site] })
}

// only gives the elements for which a condition holds, in a list of its own.
func only[T any](list []T, holds func(*T) bool) []T {
	var out []T
	for i := range list {
		if holds(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}
