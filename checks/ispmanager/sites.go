package ispmanager

import (
	"net/netip"
	"strconv"

	"domovoy/checks"
)

// sites is what the site tables say.
type sites struct {
	reading[checks.Site]
	panel []netip.Addr // the panel's own addresses
}

// siteReader joins the site tables. All ids are the panel's.
type siteReader struct {
	sites
	server string
	owners map[int64]string
	byID   map[int64]int // site's id to its place in rows
	hosts  map[int64]netip.Addr
}

func readSites(server string, chunks [tableCount][]chunk, owners map[int64]string) sites {
	rows := count(chunks[webdomain])
	r := siteReader{server: server, owners: owners, byID: make(map[int64]int, rows), hosts: map[int64]netip.Addr{}}
	r.rows = make([]checks.Site, 0, rows)
	for _, c := range chunks[webdomain] {
		for field := range records(c.text, 8) {
			r.site(field)
		}
	}
	r.aliases(chunks[webdomainAlias])
	r.panelAddresses(chunks[ipaddr])
	r.addresses(chunks[webdomainIPAddr], chunks[ipaddrWebdomain])
	return r.sites
}

func count(chunks []chunk) int {
	n := 0
	for _, c := range chunks {
		n += c.rows
	}
	return n
}

// site takes id, name, name_idn, users, active, secure, ssl_cert and
// redirect_http.
func (r *siteReader) site(field []string) {
	const table = "webdomain"
	id := number(field[0])
	s := checks.Site{Server: r.server, ID: id, Name: r.name(table, id, field[1], field[2]), Owner: r.owners[number(field[3])],
		Certificate: plain(field[6]),
		Active:      r.flag(table, id, "active", field[4]),
		Secure:      r.flag(table, id, "secure", field[5]),
		Redirect:    r.flag(table, id, "redirect_http", field[7])}
	if s.Name == "" {
		// It counts wherever its name is not needed, and an empty name would
		// stand for the whole server.
		s.Name = "#" + strconv.FormatInt(id, 10)
	}
	r.byID[id] = len(r.rows)
	r.rows = append(r.rows, s)
}

// belonging is a value of the site at a place in rows.
type belonging[Value any] struct {
	site  int
	value Value
}

// aliases takes id, webdomain, name and name_idn. Those of a site that is gone
// are of no use.
func (r *siteReader) aliases(chunks []chunk) {
	found := make([]belonging[string], 0, count(chunks))
	for _, c := range chunks {
		for field := range records(c.text, 4) {
			if site, ok := r.byID[number(field[1])]; ok {
				if name := r.name("webdomain_alias", number(field[0]), field[2], field[3]); name != "" {
					found = append(found, belonging[string]{site, name})
				}
			}
		}
	}
	for i, names := range bySite(found, len(r.rows)) {
		r.rows[i].Aliases = names
	}
}

// panelAddresses takes id and name.
func (r *siteReader) panelAddresses(chunks []chunk) {
	for _, c := range chunks {
		for field := range records(c.text, 2) {
			if address, ok := r.address("ipaddr", number(field[0]), "name", field[1]); ok {
				r.hosts[number(field[0])] = address
				r.panel = append(r.panel, address)
			}
		}
	}
}

// addresses takes id, webdomain and value; or, in the Business edition, id,
// webdomain and ipaddr, the id of an address.
func (r *siteReader) addresses(direct, business []chunk) {
	found := make([]belonging[netip.Addr], 0, count(direct)+count(business))
	for _, c := range direct {
		for field := range records(c.text, 3) {
			site, known := r.byID[number(field[1])]
			if !known {
				continue
			}
			if address, ok := r.address("webdomain_ipaddr", number(field[0]), "value", field[2]); ok {
				found = append(found, belonging[netip.Addr]{site, address})
			}
		}
	}
	for _, c := range business {
		for field := range records(c.text, 3) {
			site, known := r.byID[number(field[1])]
			if address, ok := r.hosts[number(field[2])]; ok && known {
				found = append(found, belonging[netip.Addr]{site, address})
			}
		}
	}
	for i, addresses := range bySite(found, len(r.rows)) {
		r.rows[i].Addresses = addresses
	}
}

// bySite sorts values to their sites, in the order in which they came. All
// share one array: ten thousand small ones would cost more.
func bySite[Value any](found []belonging[Value], sites int) [][]Value {
	ends := make([]int, sites+1)
	for _, f := range found {
		ends[f.site+1]++
	}
	for i := range sites {
		ends[i+1] += ends[i]
	}
	values := make([]Value, len(found))
	grouped := make([][]Value, sites)
	for _, f := range found {
		at := ends[f.site] + len(grouped[f.site])
		values[at] = f.value
		grouped[f.site] = values[ends[f.site] : at+1 : ends[f.site+1]]
	}
	return grouped
}
