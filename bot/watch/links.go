package watch

import (
	"iter"
	"slices"

	"domovoy/checks"
	"domovoy/checks/cert"
)

// subjects joins sites with their certificates, files and history.
func (r *reading) subjects(s checks.Snapshot) []checks.Subject {
	if !r.links.follow(s) {
		r.latest = nil
	}
	out := make([]checks.Subject, len(s.Sites))
	cluster := s.Cluster()
	for i := range s.Sites {
		site, x := &s.Sites[i], &out[i]
		x.Site, x.Cluster = site, cluster
		l := r.links.of[i]
		if l.used >= 0 {
			x.Certificate = &s.Certificates[l.used]
		}
		if l.order >= 0 && l.order != l.used {
			x.Order = &s.Certificates[l.order]
		}
		if result, ok := r.results[site.ID]; ok {
			if x.FileErr = result.Err; result.Err == nil {
				file := result.File // a copy for this site alone
				x.File = &file
			}
		}
	}
	r.follow(out)
	for i := range out {
		out[i].History = r.latest[i]
	}
	return out
}

// follow brings the sites' histories up to date: those of the certificates
// that moved, or all.
func (r *reading) follow(all []checks.Subject) {
	defer clear(r.moved)
	if r.latest != nil {
		for name := range r.moved {
			for i := range r.links.named(name) {
				r.latest[i] = r.latestOf(&all[i])
			}
		}
		return
	}
	r.latest = make([]*checks.History, len(all))
	for i := range all {
		r.latest[i] = r.latestOf(&all[i])
	}
}

// latestOf is the history of whichever of a site's orders moved last. A name
// is needed: rows without one are not all the same certificate.
func (r *reading) latestOf(x *checks.Subject) *checks.History {
	var latest *checks.History
	see := func(name string) {
		if h := r.history[name]; name != "" && h != nil && (latest == nil || h.Last.Time.After(latest.Last.Time)) {
			latest = h
		}
	}
	see(x.Site.Certificate)
	for _, c := range []*checks.Certificate{x.Certificate, x.Order} {
		if c != nil {
			see(c.Name)
		}
	}
	return latest
}

// links are which of a snapshot's certificates belong to its sites. They hold
// for the next one too where no name changed, which is nearly always.
type links struct {
	sites        []checks.Site
	certificates []checks.Certificate
	of           []link             // by site
	sitesOf      map[string]int32   // a site's place, by the name of a certificate that is one of its own
	others       map[string][]int32 // the places of more sites of that name, which is rare
}

// link is a site's certificates, by their place; -1: none.
type link struct {
	used  int32 // the one in use
	order int32 // the newest order for it: the panel counts _le1, _le2 … up
}

// follow reports whether the links held.
func (l *links) follow(s checks.Snapshot) bool {
	held := l.of != nil && l.hold(s)
	if !held {
		l.find(s)
	}
	l.sites, l.certificates = s.Sites, s.Certificates
	return held
}

// hold relies on a snapshot's sites being shared with the one before when
// they are the same.
func (l *links) hold(s checks.Snapshot) bool {
	if len(l.sites) != len(s.Sites) || len(l.certificates) != len(s.Certificates) {
		return false
	}
	if len(s.Sites) > 0 && &l.sites[0] != &s.Sites[0] {
		return false
	}
	for i := range s.Certificates {
		was, is := &l.certificates[i], &s.Certificates[i]
		if was.Name != is.Name || was.Domain != is.Domain || was.Owner != is.Owner {
			return false
		}
	}
	return true
}

// named is a certificate's name at an owner; the owner is empty for rows that
// name none.
type named struct{ owner, name string }

// directory finds certificates: by name, by the name without its number, by
// domain. The last row of several is the newest order.
type directory struct {
	byName, byStem map[named]int32
	byDomain       map[string]int32
}

func (l *links) find(s checks.Snapshot) {
	d := directory{
		byName:   make(map[named]int32, len(s.Certificates)),
		byStem:   make(map[named]int32, len(s.Certificates)),
		byDomain: make(map[string]int32, len(s.Certificates)),
	}
	for i := range s.Certificates {
		c := &s.Certificates[i]
		if c.Name != "" {
			d.byName[named{c.Owner, c.Name}] = int32(i)
			d.byStem[named{c.Owner, cert.Stem(c.Name)}] = int32(i)
		}
		if c.Domain != "" {
			d.byDomain[c.Domain] = int32(i)
		}
	}
	l.of, l.sitesOf, l.others = make([]link, len(s.Sites)), make(map[string]int32, len(s.Sites)), map[string][]int32{}
	for i := range s.Sites {
		l.of[i] = d.link(&s.Sites[i])
		l.index(s, i)
	}
}

// index notes the names by which a site's histories are found.
func (l *links) index(s checks.Snapshot, i int) {
	names := []string{s.Sites[i].Certificate}
	for _, at := range []int32{l.of[i].used, l.of[i].order} {
		if at >= 0 {
			names = append(names, s.Certificates[at].Name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if _, known := l.sitesOf[name]; known {
			l.others[name] = append(l.others[name], int32(i))
		} else {
			l.sitesOf[name] = int32(i)
		}
	}
}

// named yields the places of the sites with a certificate of that name.
func (l *links) named(name string) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		if i, ok := l.sitesOf[name]; !ok || !yield(i) {
			return
		}
		for _, i := range l.others[name] {
			if !yield(i) {
				return
			}
		}
	}
}

// link finds a site's certificates: by the name the site uses, of the same owner
// or of none, since owners may use the same names; else by its domain.
func (d directory) link(site *checks.Site) link {
	used := int32(-1)
	order := find(d.byDomain, site.Name)
	if name := site.Certificate; name != "" {
		used = either(d.byName, site.Owner, name)
		order = max(order, either(d.byStem, site.Owner, cert.Stem(name)))
	}
	if used < 0 {
		used = order
	}
	return link{used, order}
}

func either(places map[named]int32, owner, name string) int32 {
	if i := find(places, named{owner, name}); i >= 0 {
		return i
	}
	return find(places, named{"", name})
}

func find[K comparable](places map[K]int32, key K) int32 {
	if i, ok := places[key]; ok {
		return i
	}
	return -1
}
