package registry

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"domovoy/checks"
)

// registries has the servers and the limits of registries, with their sources.
//
//go:embed registries.txt
var registries string

// Limit is how many questions a registry allows from one address within a time.
type Limit struct {
	N   int
	Per time.Duration
}

// zone is what is known of the registry of a public suffix.
type zone struct {
	whois   string // host:port; empty: it is asked by RDAP
	rdap    string // base URL; empty: as in IANA's list
	limit   Limit
	dated   bool // each answer has the end of the registration
	undated bool // the registry does not publish it
}

// book has the zones by their public suffix; "*" stands for all others.
type book map[string]zone

// builtin reads the table that comes with the program, once.
var builtin = sync.OnceValues(func() (book, error) { return readBook(registries) })

// readBook reads lines of six words: zones, server, limit, dates, day, source. The
// error names all faulty lines.
func readBook(text string) (book, error) {
	b := book{}
	var errs []error
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		z, err := readZone(words)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		for suffix := range strings.SplitSeq(words[0], ",") {
			b[suffix] = z
		}
	}
	return b, errors.Join(errs...)
}

func readZone(words []string) (z zone, err error) {
	if len(words) != 6 {
		return z, fmt.Errorf("%d words in place of zones, server, limit, dates, day, source", len(words))
	}
	switch u, err := url.Parse(words[1]); {
	case words[1] == "iana":
	case err != nil || u.Host == "":
		return z, fmt.Errorf("%q is no server", words[1])
	case u.Scheme == "whois":
		z.whois = u.Host
	default:
		z.rdap = words[1]
	}
	n, per, _ := strings.Cut(words[2], "/")
	if z.limit.N, err = strconv.Atoi(n); err == nil {
		z.limit.Per, err = time.ParseDuration(per)
	}
	if err != nil || z.limit.N < 1 || z.limit.Per <= 0 {
		return z, fmt.Errorf("%q is no limit", words[2])
	}
	z.dated, z.undated = words[3] == "yes", words[3] == "no"
	if _, err := time.Parse(time.DateOnly, words[4]); err != nil {
		return z, err
	}
	return z, nil
}

// of returns the zone that a public suffix belongs to: its own entry, or that of
// the nearest suffix above it.
func (b book) of(suffix string) zone {
	for s := suffix; s != ""; {
		if z, ok := b[s]; ok {
			return z
		}
		_, s, _ = strings.Cut(s, ".")
	}
	return b["*"]
}

// endpoint is a server that is asked about the domains of a zone.
type endpoint struct {
	zone
	key string // server's name, by which its questions are counted
	own bool   // it is configured, so it may be anywhere
}

// endpoint returns the server to ask about the domains of a zone. For a zone of IANA's list it
// may have to be fetched, which fails like a question.
func (r *Registry) endpoint(suffix string) endpoint {
	e := endpoint{zone: r.book.of(suffix)}
	if r.options.Rate > 0 {
		e.limit = Limit{max(1, int(r.options.Rate)), time.Minute}
	}
	for s := suffix; s != ""; _, s, _ = strings.Cut(s, ".") {
		if server, ok := r.options.Whois[s]; ok {
			e.whois, e.rdap, e.key, e.own = server, "", server, true
			return e
		}
	}
	if base := r.options.RDAP; base != "" && !tci(suffix) {
		e.whois, e.rdap, e.own = "", base, true
	}
	e.key = e.whois
	if u, err := url.Parse(e.rdap); err == nil && u.Host != "" {
		e.key = u.Host
	}
	return e
}

// tci reports whether a zone has no RDAP, so that another RDAP server is not asked
// about it: https://tcinet.ru/en/documents/RU/whois_service.pdf.
func tci(suffix string) bool { return suffix == "ru" || suffix == "su" || suffix == "xn--p1ai" }

// registered returns the domain that was registered for a name, and its public
// suffix. There is no registry to ask about names below a private suffix (msk.ru,
// github.io) or an unknown one, unless a WHOIS server is configured for it.
func (r *Registry) registered(name string) (domain, suffix string, err error) {
	suffix, icann := checks.PublicSuffix(name)
	if !icann && r.options.Whois[suffix] == "" {
		return checks.RegisteredDomain(name), "", fmt.Errorf("%w: %s is below %s, which has no registry", ErrNoRegistry, name, suffix)
	}
	domain = checks.RegisteredDomain(name)
	if domain == suffix {
		return "", "", fmt.Errorf("%w: %s is a public suffix", ErrNoRegistry, name)
	}
	return domain, suffix, nil
}
