package cert

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// judge has what should be served under a name.
type judge struct {
	name  string
	sub   checks.Subject
	rules Rules
	now   time.Time
	trust *verified
}

// errNoLeaf: the handshake had no certificate.
var errNoLeaf = errors.New("the server sent no certificate")

// address judges what one address presented. Findings are valid even if there
// is an error.
func (j judge) address(p *presented) error {
	var err error
	switch {
	case p.fault != "":
		p.found, err = j.keyFault(p)
	case p.err != nil:
		err = p.err
	case len(p.chain) == 0:
		err = errNoLeaf
	default:
		p.found, err = j.chain(p.chain)
		if leaf := p.chain[0]; !selfSigned(leaf) {
			p.dates = checks.Validity{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter}
		}
	}
	return err
}

// keyFault judges a handshake that failed for the server's key. Alert 40 means
// a mismatched pair only if the site has a certificate at all.
func (j judge) keyFault(p *presented) ([]checks.Finding, error) {
	switch {
	case p.fault == faultSignature && leafFurther(p.chain, j.name):
		return []checks.Finding{finding(checks.CertUntrusted, checks.Args{"reason": string(WrongOrder)})}, nil
	case p.fault == faultSignature, j.sub.File != nil, j.sub.FileErr == nil && j.sub.Site.Certificate != "":
		return []checks.Finding{finding(checks.CertKeyMismatch, checks.Args{"reason": string(p.fault), "says": checks.Clean(p.err.Error(), checks.WordLength)})}, nil
	}
	return nil, p.err
}

// chain judges a certificate by its contents.
func (j judge) chain(chain []*x509.Certificate) ([]checks.Finding, error) {
	leaf := chain[0]
	as := checks.CertificateFile{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Issuer: issuer(leaf), SelfSigned: selfSigned(leaf)}
	found := byFile(as, j.rules, j.now)
	why, err := SelfSigned, error(nil)
	if as.SelfSigned {
		found = nil // replaced by an untrusted finding with its reason, below
	} else {
		why, err = j.trust.distrust(chain, j.now)
	}
	if why != "" {
		found = append(found, untrusted(why, lacks(chain)))
	}
	if !covers(leaf, j.name) {
		found = append(found, finding(checks.CertName, checks.Args{"asked": j.name}))
	}
	if since, by := j.newer(leaf); by != "" {
		f := finding(checks.CertNotInstalled, checks.Args{"issued": since, "by": by})
		if !leaf.NotAfter.After(j.now) {
			f.Severity = checks.Critical // visitors get the expired one
		}
		found = append(found, f)
	}
	return found, err
}

// slack is the tolerance between a certificate's start date, which is an hour
// before it was issued, and the log's date, whose time zone may be configured
// wrongly.
const slack = 24 * time.Hour

// newer returns since when there is a newer certificate than the one served,
// and the source: the file, or the log if no file is read. A self-signed
// certificate of the panel does not count, nor does one that is not valid yet.
func (j judge) newer(served *x509.Certificate) (since time.Time, by string) {
	switch f, h := j.sub.File, j.sub.History; {
	case f != nil:
		if f.NotBefore.After(served.NotBefore) && !f.SelfSigned && !f.NotBefore.After(j.now) {
			return f.NotBefore, "file"
		}
	case j.sub.FileErr == nil && h != nil && h.Issued.After(served.NotBefore.Add(slack)) && !h.Issued.After(j.now):
		return h.Issued, "log"
	}
	return time.Time{}, ""
}

// issuer returns the issuer's name, sanitized.
func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" || len(c.Issuer.Organization) == 0 {
		return checks.Clean(c.Issuer.CommonName, checks.WordLength)
	}
	return checks.Clean(c.Issuer.Organization[0], checks.WordLength)
}

// gather makes one finding of each code for all addresses that have it. The
// arguments are those of the first.
func gather(seen []presented) []checks.Finding {
	var found []checks.Finding
	if !slices.ContainsFunc(seen, func(p presented) bool { return len(p.found) > 0 }) {
		return nil
	}
	place := map[checks.Code]int{}
	differ, detail, looked := serials(seen), evidence(seen), 0
	for _, p := range seen {
		if p.looked() {
			looked++
		}
	}
	for _, p := range seen {
		for _, f := range p.found {
			i, ok := place[f.Code]
			if !ok {
				i = len(found)
				place[f.Code] = i
				p.describe(f.Args)
				f.Args["looked"] = looked
				if len(differ) > 0 {
					f.Args["differ"] = differ
				}
				f.Detail = detail
				found = append(found, f)
			}
			at, _ := found[i].Args["addresses"].([]string)
			found[i].Args["addresses"] = append(at, p.at.Addr().String())
			found[i].Severity = max(found[i].Severity, f.Severity)
		}
	}
	return found
}

// looked reports whether the address presented anything to judge.
func (p presented) looked() bool { return p.fault != "" || len(p.chain) > 0 }

// describe adds which certificate a finding is about.
func (p presented) describe(args checks.Args) {
	args["address"] = p.at.Addr().String()
	if len(p.chain) == 0 {
		return
	}
	leaf := p.chain[0]
	args["until"], args["since"] = leaf.NotAfter, leaf.NotBefore
	args["serial"] = shortSerial(leaf.SerialNumber)
	args["names"] = someNames(leaf.DNSNames)
	if len(leaf.DNSNames) > 0 {
		args["first"] = checks.Clean(leaf.DNSNames[0], checks.WordLength)
	}
	if who := issuer(leaf); who != "" {
		args["issuer"] = who
	}
}

// serials lists each address with its certificate, if they differ.
func serials(seen []presented) []string {
	var each, kinds []string
	for _, p := range seen {
		if !p.looked() {
			continue
		}
		serial := "-"
		if len(p.chain) > 0 {
			serial = shortSerial(p.chain[0].SerialNumber)
		}
		each = append(each, p.at.Addr().String()+" "+serial)
		if !slices.Contains(kinds, serial) {
			kinds = append(kinds, serial)
		}
	}
	if len(kinds) < 2 {
		return nil
	}
	return each
}

// evidence is a line for each address and for each certificate it sent.
func evidence(seen []presented) string {
	var b strings.Builder
	for _, p := range seen {
		b.WriteString(p.at.String())
		if p.within != 0 {
			b.WriteString(" " + tls.VersionName(p.within))
		}
		if p.err != nil {
			b.WriteString(": " + checks.Clean(p.err.Error(), 2*checks.WordLength))
		}
		for i, c := range p.chain[:min(len(p.chain), mostCertificates)] {
			fmt.Fprintf(&b, "\n  %d: %s, of %s, serial %x, %s to %s", i, checks.Clean(c.Subject.CommonName, checks.WordLength), issuer(c), c.SerialNumber,
				c.NotBefore.UTC().Format(time.DateTime), c.NotAfter.UTC().Format(time.DateTime))
			if i == 0 {
				b.WriteString(", for " + strings.Join(someNames(c.DNSNames), " "))
			}
		}
		b.WriteByte('\n')
	}
	return checks.Bound(strings.TrimSuffix(b.String(), "\n"))
}

// mostNames is how many names of a certificate are shown.
const mostNames = 10

// someNames returns the first names of a certificate, sanitized.
func someNames(names []string) []string {
	var some []string
	for _, n := range names[:min(len(names), mostNames)] {
		some = append(some, checks.Clean(n, checks.WordLength))
	}
	if len(names) > mostNames {
		some = append(some, "…")
	}
	return some
}

// shortSerial returns the end of a serial number, which is what people compare.
func shortSerial(n *big.Int) string {
	const digits = 8
	hex := fmt.Sprintf("%x", n)
	return hex[max(0, len(hex)-digits):]
}
