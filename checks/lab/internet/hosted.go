package internet

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hosting describes a site of any name. What is empty is that of a healthy
// site.
type Hosting struct {
	Name string // without aliases

	// Zone has the records: lines of a zone file in which %us is our address, or
	// "none": the name does not exist. Empty: an A record with our address.
	Zone string

	// WHOIS is the registry's answer. Empty: registered and paid for.
	WHOIS string

	// Certificate has lines of a key and a value:
	//
	//	days 45                 its lifetime; 90 by default
	//	hours 160               the same in hours
	//	left 6                  the days that are left, 60 by default; hours with the suffix h
	//	issuers Root YR, YR1    the CAs between the root and the certificate, from above
	//	unsent Root YR          which of them the server does not send, and the file does not have
	//	file whole              but the file has them all
	//	trusted Root YR         which of them this host trusts, beside the root
	//	root unknown            the root is that of a CA that this host does not know
	Certificate string

	// Web is how the web server answers a quick series: "after 2: 429" refuses
	// all but the first two requests of an address with that status; "after 2:
	// silence" does not answer them.
	Web string
}

// Hosted returns the situation of a site.
func Hosted(h Hosting) Situation {
	steps := []step{about(h.Name), records("@ A %us")}
	switch strings.TrimSpace(h.Zone) {
	case "":
	case "none":
		steps[1] = undelegated
	default:
		steps[1] = records(h.Zone)
	}
	steps = append(steps, registered(func(r *Registration) { r.Raw = h.WHOIS }))
	if h.Certificate != "" {
		steps = append(steps, described(h.Certificate))
	}
	if h.Web != "" {
		steps = append(steps, behaving(h.Web))
	}
	return row("the site "+h.Name, "-", "ok", steps...)
}

// description is a parsed Hosting.Certificate.
type description struct {
	life, left           time.Duration
	issuers              []string
	unsent, trusted      string
	whole, foreign, bare bool // bare: the lab's own intermediate is not described
}

func describe(text string) (d description, err error) {
	const day = 24 * time.Hour
	d = description{life: 90 * day, left: 60 * day, bare: true}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "":
		case "days", "hours":
			unit := map[string]time.Duration{"days": day, "hours": time.Hour}[key]
			d.life, err = amount(value, unit)
		case "left":
			unit := day
			if hours, ok := strings.CutSuffix(value, "h"); ok {
				value, unit = hours, time.Hour
			}
			d.left, err = amount(value, unit)
		case "issuers":
			d.issuers, d.bare = strings.Split(value, ", "), false
		case "unsent":
			d.unsent = value
		case "trusted":
			d.trusted = value
		case "file":
			d.whole = value == "whole"
		case "root":
			d.foreign = value == "unknown"
		default:
			return d, fmt.Errorf("a certificate has no %q", key)
		}
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

func amount(text string, unit time.Duration) (time.Duration, error) {
	n, err := strconv.Atoi(text)
	return time.Duration(n) * unit, err
}

// described gives the site such a certificate, in the file and as served.
func described(text string) step {
	return func(l *Lab) error {
		d, err := describe(text)
		if err != nil {
			return err
		}
		signer := l.CA
		if d.foreign {
			if signer, err = NewCA(); err != nil {
				return err
			}
		}
		end := time.Now().Add(d.left + time.Minute) // so that the whole day or hour is left
		leaf := Leaf{Names: []string{l.Domain}, NotBefore: end.Add(-d.life), NotAfter: end}
		whole, err := signer.Issue(leaf)
		if !d.bare {
			whole, err = signer.IssueBelow(leaf, d.issuers...)
		}
		if err != nil {
			return err
		}
		return l.serveChain(d, whole)
	}
}

// serveChain sets a certificate whose chain is whole, as far as the description
// lets the server send it.
func (l *Lab) serveChain(d description, whole *tls.Certificate) error {
	place := func(name string) (int, error) { // the leaf's is 0
		i := slices.Index(d.issuers, name)
		if i < 0 {
			return 0, fmt.Errorf("no issuer %q", name)
		}
		return len(d.issuers) - i, nil
	}
	sent := whole
	if d.unsent != "" {
		i, err := place(d.unsent)
		if err != nil {
			return err
		}
		sent = Without(whole, i)
	}
	if d.trusted != "" {
		i, err := place(d.trusted)
		if err != nil {
			return err
		}
		l.draft.trusted = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: whole.Certificate[i]})
	}
	l.draft.served, l.draft.file, l.draft.key = sent, sent, whole
	if d.whole {
		l.draft.file = whole
	}
	return nil
}

// behaving replaces the web server's handler by what Hosting.Web says.
func behaving(text string) step {
	return func(l *Lab) error {
		var n int
		var answer string
		if _, err := fmt.Sscanf(strings.TrimSpace(text), "after %d: %s", &n, &answer); err != nil {
			return fmt.Errorf("the web server's behaviour %q: %w", text, err)
		}
		then := Never()
		if answer != "silence" {
			status, err := strconv.Atoi(answer)
			if err != nil {
				return fmt.Errorf("the web server's behaviour %q: %w", text, err)
			}
			then = Status(status, nginxPage(answer+" "+http.StatusText(status)))
		}
		return page(ownAddr, func(usual http.Handler) http.Handler { return AfterRequests(n, then, usual) })(l)
	}
}
