package cert

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// gather makes one finding of a code for all addresses that have it. The
// arguments are those of the first of them.
func gather(seen []presented) []checks.Finding {
	var found []checks.Finding
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

// looked reports whether the address showed anything to judge.
func (p presented) looked() bool { return p.fault != "" || len(p.chain) > 0 }

// describe says which certificate a finding is about.
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

// serials lists each address with its certificate, where they differ.
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
