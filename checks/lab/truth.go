package lab

import (
	"crypto/tls"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// Trouble is what is wrong with a site's name or its way in. The panel does not
// know it: its log has only what the CA says.
type Trouble string

// The troubles. The empty one is a name that leads to the server, which answers.
const (
	Elsewhere Trouble = "elsewhere" // the name has somebody else's address
	Proxied   Trouble = "proxied"   // a proxy is in front, and lets requests through
	Gone      Trouble = "gone"      // the name does not exist
	NoAddress Trouble = "noaddress" // the name has no addresses
	IPv6      Trouble = "ipv6"      // an AAAA record that leads nowhere, beside a good A record
	ServFail  Trouble = "servfail"  // the zone's servers fail
	DNSSEC    Trouble = "dnssec"    // the zone's signatures do not fit
	CAA       Trouble = "caa"       // a CAA record forbids the CA
	CAABroken Trouble = "caabroken" // the zone's servers fail for CAA
	Refused   Trouble = "refused"   // the name leads to the server, which refuses connections
	NotFound  Trouble = "notfound"  // the site answers 404 for the challenge
	Forbidden Trouble = "forbidden" // the site answers 403
	Error     Trouble = "error"     // the site answers 503
)

// Truth is what the sample's log, rows and files say about a site, for a
// laboratory that makes it true.
type Truth struct {
	Site    Site
	Trouble Trouble
	Name    string    // the name that has the trouble: the site's or an alias, as an A-label
	Theirs  string    // the address of an Elsewhere
	Issued  time.Time // when its certificate was made; the site is not younger
	Expires time.Time // of that certificate
	Sound   bool      // the name leads here, the site answers, and its certificate is not near its end
	Since   time.Time // when the trouble began; zero without one
	Failing time.Time // the first failed attempt in its log; zero: none
}

// Truths returns the truth about every site.
func (s *Sample) Truths() []Truth {
	var all []Truth
	for _, h := range s.sites {
		if h.condition.hasSite() {
			all = append(all, h.truth(s.builder.now))
		}
	}
	return all
}

func (h *sampleSite) truth(now time.Time) Truth {
	t := Truth{Site: h.site, Trouble: h.moved, Name: ascii(h.site.Name), Theirs: h.theirs(),
		Issued: h.issued, Expires: h.file(h.issued).NotAfter, Failing: h.failing}
	dice := chance(h.site.Name)
	switch {
	case h.lasting != nil:
		t.Trouble, t.Name, t.Theirs = h.lasting.truth, h.lasting.domain, h.lasting.theirs
	case t.Trouble == "" && strings.HasPrefix(h.site.Addresses[0], movedAway):
		t.Trouble, t.Theirs = Proxied, h.site.Addresses[0]
	}
	if t.Trouble == "" || t.Trouble == Proxied {
		t.Sound = t.Trouble == "" && h.condition.name == "fine"
		return t
	}
	// It worked when its certificate was issued, and not at its first failure.
	end := now
	if h.moved == "" && !h.failing.IsZero() {
		end = h.failing
	}
	t.Since = h.issued.Add(time.Duration(float64(max(0, end.Sub(h.issued))) * float64(10+dice/7%80) / 100)).Truncate(time.Second)
	if h.condition.file == string(SelfSigned) { // it never worked
		t.Since = h.issued
	}
	return t
}

// theirs returns the address to which a site has moved.
func (h *sampleSite) theirs() string { return fmt.Sprintf("%s%d", movedAway, 1+chance(h.site.Name)%60) }

// moved chooses sites with a good certificate whose next renewal will fail: a
// twentieth of them.
func moved(h *sampleSite) Trouble {
	dice := chance(h.site.Name)
	if h.condition.name != "fine" || strings.HasPrefix(h.site.Addresses[0], movedAway) || dice%20 != 0 {
		return ""
	}
	kinds := []Trouble{Elsewhere, Elsewhere, Elsewhere, Elsewhere, Gone, Gone, Elsewhere, NoAddress, Forbidden, Refused, CAA, NotFound, Elsewhere}
	return kinds[dice/20%len(kinds)]
}

// chance returns the same number for the same name, without the sample's random
// source, whose later numbers would change with each use.
func chance(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() >> 1)
}

// Served returns the certificate that the sample's web server presents for a
// name: that of the site's files, or the one before if they cannot be loaded, as
// a web server keeps what it has. It may be called concurrently.
func (s *Sample) Served(name string) (*tls.Certificate, error) {
	_, parent, _ := strings.Cut(name, ".")
	h := s.served[name]
	if h == nil {
		h = s.served["*."+parent]
	}
	if h == nil {
		return nil, fmt.Errorf("no site serves a certificate for %q", name)
	}
	for _, extension := range []string{"crtca", "crt"} {
		chain, key := s.Certificates.path(h.site.Owner, h.site.Certificate, extension), s.Certificates.path(h.site.Owner, h.site.Certificate, "key")
		if loaded, err := tls.LoadX509KeyPair(chain, key); err == nil {
			return &loaded, nil
		}
	}
	return s.Certificates.issue(h.file(h.issued.AddDate(0, 0, -60)))
}
