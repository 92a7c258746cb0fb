package cert

import (
	"crypto/x509"
	"regexp"
	"strings"
)

// What is known about CAs by their common names, as of 2026-11-28. A host's own
// list of CAs says nothing about it: it may lack a CA that browsers have, and
// may have one that an administrator or a new release of its distribution
// added. Sources: https://letsencrypt.org/certificates/ (2026-07-08),
// https://pki.goog/repository/, https://www.sectigo.com/faqs/detail/Sectigo-s-Public-Roots
// and https://www.gosuslugi.ru/crt.

// crossed returns the root that signed the cross-certificate of another root,
// which a server has to send as one more intermediate wherever the root itself
// is not trusted. Empty: none is known. nowhere means that the root is in no
// browser's list yet, so that the cross-certificate is needed everywhere.
func crossed(root string) (by string, nowhere bool) {
	switch root {
	case "Root YR", "ISRG Root YR":
		return "ISRG Root X1", true
	case "Root YE", "ISRG Root YE":
		return "ISRG Root X2", true
	case "ISRG Root X2":
		return "ISRG Root X1", false
	case "GTS Root R1", "GTS Root R2", "GTS Root R3", "GTS Root R4":
		return "GlobalSign Root CA", false
	case "Sectigo Public Server Authentication Root R46":
		return "USERTrust RSA Certification Authority", false
	case "Sectigo Public Server Authentication Root E46":
		return "USERTrust ECC Certification Authority", false
	}
	return "", false
}

// encrypts matches the intermediates of Let's Encrypt, which sign leaves and
// are never in a list of trusted CAs: R10, E7, YR1, YE2.
var encrypts = regexp.MustCompile(`^(R|E|YR|YE)[0-9]{1,2}$`)

// ofLetsEncrypt reports whether a leaf's issuer is such an intermediate.
func ofLetsEncrypt(leaf *x509.Certificate) bool {
	org := strings.Join(leaf.Issuer.Organization, " ")
	return encrypts.MatchString(leaf.Issuer.CommonName) && (org == "" || org == "Let's Encrypt")
}

// national reports whether a chain is of the Russian national CA. Only a few
// browsers know it, such as Yandex's, so a person put it in place on purpose.
// The names of its certificates may end in a year or an algorithm.
func national(chain []*x509.Certificate) bool {
	for _, c := range chain {
		for _, name := range []string{c.Issuer.CommonName, c.Subject.CommonName} {
			if strings.HasPrefix(name, "Russian Trusted Root CA") || strings.HasPrefix(name, "Russian Trusted Sub CA") {
				return true
			}
		}
	}
	return false
}

// staging reports whether a leaf is of the staging environment of Let's Encrypt,
// whose CAs all have that word in front of their names
// (https://letsencrypt.org/docs/staging-environment/).
func staging(leaf *x509.Certificate) bool {
	return strings.HasPrefix(leaf.Issuer.CommonName, "(STAGING)")
}

// gap is the certificate that a chain lacks. Known chains alone can be judged
// so: where the last one's issuer is an unknown root, nothing is missing.
type gap struct {
	Missing string // its common name; empty: none is known to be missing
	Signer  string // the root that has to have signed it; empty: not known
}

// lacks returns the gap between the last certificate in a row of issuers that
// begins with the leaf, and a root that browsers have.
func lacks(chain []*x509.Certificate) gap {
	last := chain[0]
	for range chain { // a row is no longer than the chain, but names may form a loop
		next := issuerOf(last, chain)
		if next == nil {
			break
		}
		last = next
	}
	name := issuer(last)
	by, _ := crossed(last.Issuer.CommonName)
	if by != "" || last == chain[0] {
		return gap{name, by}
	}
	return gap{}
}

// issuerOf returns the issuer of a certificate, if it is in the chain.
func issuerOf(c *x509.Certificate, chain []*x509.Certificate) *x509.Certificate {
	for _, other := range chain {
		if string(other.RawSubject) == string(c.RawIssuer) && !other.Equal(c) && string(other.RawSubject) != string(c.RawSubject) {
			return other
		}
	}
	return nil
}
