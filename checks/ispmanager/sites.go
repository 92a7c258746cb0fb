package ispmanager

import (
	"net/netip"
	"strconv"
	"strings"

	"domovoy/checks"
)

// sites is what the tables of sites contain.
type sites struct {
	reading[checks.Site]
	panel []netip.Addr // the panel's own addresses
	nodes []checks.Node
	by    string // the column that ties sites to nodes
}

// siteReader joins the site tables. All ids are the panel's.
type siteReader struct {
	sites
	server string
	owners map[int64]string
	byID   map[int64]int // site's id to its index in rows
	hosts  map[int64]netip.Addr

	nodeIDs []int64 // of nodes
}

func readSites(server string, found *tables, chunks [tableCount][]chunk, owners map[int64]string) sites {
	rows := count(chunks[webdomain])
	r := siteReader{server: server, owners: owners, byID: make(map[int64]int, rows), hosts: map[int64]netip.Addr{}}
	r.rows = make([]checks.Site, 0, rows)
	for _, c := range chunks[webdomain] {
		for field := range records(c.text, 9) {
			r.site(field)
		}
	}
	r.aliases(chunks[webdomainAlias])
	r.panelAddresses(chunks[ipaddr])
	r.readNodes(chunks[node])
	r.addresses(chunks[webdomainIPAddr], chunks[ipaddrWebdomain])
	r.tie(found, chunks)
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
		// The site counts even where its name is not needed, and an empty name
		// would mean the whole server.
		s.Name = "#" + strconv.FormatInt(id, 10)
	}
	r.byID[id] = len(r.rows)
	r.rows = append(r.rows, s)
}

// belonging is a value of the site at an index of rows.
type belonging[Value any] struct {
	site  int
	value Value
}

// aliases takes id, webdomain, name and name_idn. Aliases of a deleted site are
// skipped.
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

// bySite groups values by site, in their order. All groups share one array: ten
// thousand small ones would cost more.
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

// leStarted is the index of time_started among the columns of letsencrypt_ssl.
const leStarted = 5

// certificateReader parses letsencrypt_ssl, chunk by chunk.
type certificateReader struct {
	server string
	owners map[int64]string
	clock  *clock
	dated  bool                          // the table has time_started
	before []chunk                       // the chunks that parsed was parsed from
	parsed []reading[checks.Certificate] // by chunk; nil: none may be reused
}

// read returns the certificates by chunk, and all together: the former are
// slices of the latter.
func (r *certificateReader) read(chunks []chunk) ([]reading[checks.Certificate], []checks.Certificate) {
	parts := make([]reading[checks.Certificate], len(chunks))
	all := make([]checks.Certificate, 0, count(chunks))
	for i, c := range chunks {
		part := reading[checks.Certificate]{rows: all[len(all):]}
		if i < len(r.parsed) && r.before[i].same(&c) {
			part = r.parsed[i]
			part.rows = append(all[len(all):], part.rows...)
		} else {
			for field := range records(c.text, 7) {
				part.rows = append(part.rows, r.certificate(&part, field))
			}
		}
		all = all[:len(all)+len(part.rows)]
		parts[i] = part
	}
	return parts, all
}

// certificate takes id, certname, users, domain_name, processing, failed and
// time_started.
func (r *certificateReader) certificate(part *reading[checks.Certificate], field []string) checks.Certificate {
	const table = "letsencrypt_ssl"
	id := number(field[0])
	c := checks.Certificate{Server: r.server, ID: id, Name: strings.ToValidUTF8(plain(field[1]), "\uFFFD"),
		Owner:      r.owner(field[2]),
		Processing: part.flag(table, id, "processing", field[4]),
		Failed:     part.flag(table, id, "failed", field[5])}
	c.Domain = domainOf(part, id, c.Name, field[3])
	if !r.dated {
		return c
	}
	started, ok := r.clock.parse(field[6])
	if !ok {
		// NULL counts too: SQL comparisons of dates skip such a row silently,
		// so it must be reported that its age is not known.
		part.doubt(table, id, "time_started", field[6])
	}
	c.Started = started
	return c
}

// owner returns the user's name for an id, or the field itself if the column
// holds names.
func (r *certificateReader) owner(field string) string {
	if id, err := strconv.ParseInt(field, 10, 64); err == nil {
		return r.owners[id]
	}
	return plain(field)
}

// domainOf returns the row's domain, the first if there are several, or else
// one derived from the certificate's name.
func domainOf(part *reading[checks.Certificate], id int64, name, domain string) string {
	const table = "letsencrypt_ssl"
	if list := strings.Fields(strings.ReplaceAll(plain(domain), ",", " ")); len(list) > 0 {
		ascii, err := toASCII(list[0])
		if err != nil {
			part.doubt(table, id, "domain_name", domain)
			return strings.ToValidUTF8(list[0], "\uFFFD")
		}
		return ascii
	}
	stem, ordered := stem(name)
	ascii, err := toASCII(stem)
	if err != nil {
		// A certificate's name may be anything, but one with the panel's own
		// suffix starts with its domain.
		if ordered {
			part.doubt(table, id, "certname", name)
		}
		return ""
	}
	return ascii
}

// stem cuts off the suffix that the panel gives to the certificates it orders:
// example.com_le1, example.com_LE10.
func stem(name string) (string, bool) {
	at := strings.LastIndexByte(name, '_')
	if at < 0 || len(name) < at+4 || !strings.EqualFold(name[at:at+3], "_le") {
		return name, false
	}
	if strings.Trim(name[at+3:], "0123456789") != "" {
		return name, false
	}
	return name[:at], true
}
