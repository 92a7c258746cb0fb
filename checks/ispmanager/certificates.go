package ispmanager

import (
	"strconv"
	"strings"

	"domovoy/checks"
)

// leStarted is the place of time_started among the columns of letsencrypt_ssl.
const leStarted = 5

// certificateReader parses letsencrypt_ssl, chunk by chunk.
type certificateReader struct {
	server string
	owners map[int64]string
	clock  *clock
	dated  bool                          // there is a time_started
	before []chunk                       // what parsed was parsed from
	parsed []reading[checks.Certificate] // by chunk; nil: nothing may be used again
}

// read gives the certificates by chunk, and all in one: the former point into
// the latter.
func (r *certificateReader) read(chunks []chunk) ([]reading[checks.Certificate], []checks.Certificate) {
	parts := make([]reading[checks.Certificate], len(chunks))
	all := make([]checks.Certificate, 0, count(chunks))
	for i, c := range chunks {
		part := reading[checks.Certificate]{rows: all[len(all):]}
		if i < len(r.parsed) && r.before[i] == c {
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
		// NULL counts too: in SQL such a row drops out of every comparison
		// of dates unseen, so somebody has to say that its age is not known.
		part.doubt(table, id, "time_started", field[6])
	}
	c.Started = started
	return c
}

// owner is the name behind a user's id, or the name itself where the column
// holds one.
func (r *certificateReader) owner(field string) string {
	if id, err := strconv.ParseInt(field, 10, 64); err == nil {
		return r.owners[id]
	}
	return plain(field)
}

// domainOf is the row's domain, the first where there is a list of them; else
// what the certificate is named after.
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
		// A certificate may be called anything, but one with the panel's
		// own ending is named after its domain.
		if ordered {
			part.doubt(table, id, "certname", name)
		}
		return ""
	}
	return ascii
}

// stem cuts off the ending that the panel gives to the certificates it
// orders: example.com_le1, example.com_LE10.
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
