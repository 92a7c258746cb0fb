package cert

import (
	"crypto/x509"
	"errors"
	"time"

	"domovoy/checks"
)

// judge knows what should be served under a name.
type judge struct {
	name  string
	sub   checks.Subject
	rules Rules
	now   time.Time
	roots *x509.CertPool
}

// errNoLeaf is a handshake without a certificate.
var errNoLeaf = errors.New("the server sent no certificate")

// address judges what one address showed. Findings hold even beside an error.
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

// keyFault judges a handshake that failed for the server's key. Alert 40
// tells of a wrong pair only where the site has a certificate at all.
func (j judge) keyFault(p *presented) ([]checks.Finding, error) {
	switch {
	case p.fault == faultSignature && leafFurther(p.chain, j.name):
		return []checks.Finding{finding(checks.CertUntrusted, checks.Args{"reason": string(WrongOrder)})}, nil
	case p.fault == faultSignature, j.sub.File != nil, j.sub.FileErr == nil && j.sub.Site.Certificate != "":
		return []checks.Finding{finding(checks.CertKeyMismatch, checks.Args{"reason": string(p.fault), "says": checks.Clean(p.err.Error(), checks.WordLength)})}, nil
	}
	return nil, p.err
}

// chain judges a certificate by its own words.
func (j judge) chain(chain []*x509.Certificate) ([]checks.Finding, error) {
	leaf := chain[0]
	as := checks.CertificateFile{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Issuer: issuer(leaf), SelfSigned: selfSigned(leaf)}
	found := byFile(as, j.rules, j.now)
	why, err := SelfSigned, error(nil)
	if as.SelfSigned {
		found = nil // by its reason, below
	} else {
		why, err = distrust(chain, j.roots, j.now)
	}
	if why != "" {
		found = append(found, finding(checks.CertUntrusted, checks.Args{"reason": string(why)}))
	}
	if !covers(leaf, j.name) {
		found = append(found, finding(checks.CertName, checks.Args{"asked": j.name}))
	}
	if since, by := j.newer(leaf); by != "" {
		f := finding(checks.CertNotInstalled, checks.Args{"issued": since, "by": by})
		if !leaf.NotAfter.After(j.now) {
			f.Severity = checks.Critical // visitors meet the expired one
		}
		found = append(found, f)
	}
	return found, err
}

// slack lies between a certificate's own date, which is an hour before it was
// issued, and the log's, whose zone may be set wrongly.
const slack = 24 * time.Hour

// newer tells since when there is a newer certificate than the one served,
// and who says so: the file, or the log where no file is read. A stand-in of
// the panel's is no better than what is served.
func (j judge) newer(served *x509.Certificate) (since time.Time, by string) {
	switch f, h := j.sub.File, j.sub.History; {
	case f != nil:
		if f.NotBefore.After(served.NotBefore) && !f.SelfSigned {
			return f.NotBefore, "file"
		}
	case j.sub.FileErr == nil && h != nil && h.Issued.After(served.NotBefore.Add(slack)) && !h.Issued.After(j.now):
		return h.Issued, "log"
	}
	return time.Time{}, ""
}

// issuer is who signed, fit to be shown.
func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" || len(c.Issuer.Organization) == 0 {
		return checks.Clean(c.Issuer.CommonName, checks.WordLength)
	}
	return checks.Clean(c.Issuer.Organization[0], checks.WordLength)
}
