package account

import (
	"bytes"
	"regexp"
	"strings"
	"time"
)

// Where an authorization or an order can be known by its path: Let's Encrypt's
// /acme/authz/ACCOUNT/ID, and the /authz/ID of others, in any spelling.
// Boulder's challenges have /chall/, its old authorizations /authz-v3/.
var (
	anyURL           = regexp.MustCompile(`https?://[^\s"'<>\\,#\[\]{}|` + "`" + `]+`)
	authorizationURL = regexp.MustCompile(`(?i)^https?://[^/?]+(/[^?]*)?/authz/[\w-]+(/[\w-]+)?$`)
	staleURL         = regexp.MustCompile(`(?i)^https?://[^/?]+(/[^?]*)?/authz-v3/\d+$`)
	orderURL         = regexp.MustCompile(`(?i)^https?://[^/?]+(/[^?]*)?/(my-)?order/[\w-]+(/\d+)?$`)

	listBegins = regexp.MustCompile(`"authorizations"\s*:\s*\[`)
	oneName    = regexp.MustCompile(`"identifier"\s*:`)                                           // not "identifiers", which an order has
	listEntry  = regexp.MustCompile(`([\w.*-]+)#[^#,]*#[^#,]*#[^#,]*#[^#,]*#(https?://[^#,'"]+)`) // of acme.sh's vlist
	nameValue  = regexp.MustCompile(`"value"\s*:\s*"([^"\\]{1,260})"`)
)

const longestURL = 2 << 10 // bytes; a CA's has less than 200

// lineReader goes through one log, line by line. It looks for URLs and takes
// no status from a log: the CA tells that.
type lineReader struct {
	c         *collector
	source    string
	at        time.Time // of the last line that had one
	inList    bool      // inside an order's "authorizations" that began on an earlier line
	wantsName bool      // an "identifier" began on an earlier line
	order     string    // the last one, until its authorizations are seen
	last      string    // the last authorization that stood alone on its line
}

func (r *lineReader) line(line []byte) {
	if t := lineTime(line); !t.IsZero() {
		r.at = t
		r.inList, r.wantsName = false, false // a new record: the old one was cut off
	}
	if bytes.Contains(line, []byte(`\/`)) { // JSON may escape slashes
		line = bytes.ReplaceAll(line, []byte(`\/`), []byte(`/`))
	}
	rest := r.lists(line)
	r.urls(rest)
	r.names(line)
}

// lists takes the URLs of "authorizations", however they look, and gives what
// stands outside.
func (r *lineReader) lists(line []byte) []byte {
	var outside []byte
	for {
		if !r.inList {
			if !bytes.Contains(line, []byte(`"authorizations"`)) {
				if outside == nil {
					return line
				}
				return append(outside, line...)
			}
			begin := listBegins.FindIndex(line)
			if begin == nil {
				return append(outside, line...)
			}
			// What stands before may be the order's own URL.
			r.urls(line[:begin[0]])
			line, r.inList = line[begin[1]:], true
		}
		inside, after, closed := bytes.Cut(line, []byte("]"))
		for _, u := range anyURL.FindAll(inside, -1) {
			r.listed(string(u))
		}
		if !closed {
			return outside
		}
		r.inList, r.order = false, ""
		line = after
	}
}

// listed notes an entry of an order's authorizations.
func (r *lineReader) listed(u string) {
	if len(u) > longestURL {
		return
	}
	if staleURL.MatchString(u) {
		r.c.stale(r.seen(u))
	} else {
		r.c.authorization(r.seen(u))
	}
	if r.order != "" {
		r.c.told(r.order)
	}
}

// urls takes the URLs that are known by their path.
func (r *lineReader) urls(line []byte) {
	if !bytes.Contains(line, []byte("://")) {
		return
	}
	alone := ""
	count := 0
	for _, raw := range anyURL.FindAll(line, -1) {
		u := strings.TrimRight(string(raw), ".:;)!")
		switch {
		case len(u) > longestURL:
		case authorizationURL.MatchString(u):
			r.c.authorization(r.seen(u))
			if u != alone {
				alone = u
				count++
			}
		case staleURL.MatchString(u):
			r.c.stale(r.seen(u))
		case orderURL.MatchString(u):
			r.c.orderURL(r.seen(u))
			r.order = u
		}
	}
	if count == 1 {
		r.last = alone
	}
}

// names gives the authorization that was asked for last the name that its
// answer has.
func (r *lineReader) names(line []byte) {
	if bytes.Contains(line, []byte("#http")) {
		for _, entry := range listEntry.FindAllSubmatch(line, -1) {
			r.c.name(string(entry[2]), bareName(string(entry[1])))
		}
	}
	from := line
	if bytes.Contains(line, []byte(`"identifier"`)) {
		if at := oneName.FindIndex(line); at != nil {
			r.wantsName, from = true, line[at[1]:]
		}
	}
	if !r.wantsName {
		return
	}
	if value := nameValue.FindSubmatch(from); value != nil {
		if r.last != "" {
			r.c.name(r.last, bareName(string(value[1])))
		}
		r.wantsName, r.last = false, ""
	}
}

func (r *lineReader) seen(u string) Seen { return Seen{URL: u, Source: r.source, At: r.at} }
