package suite_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// ask asks the CA's resolver; over TCP if the answer was cut. A name that does
// not exist is an error here.
func (v validator) ask(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	question.SetEdns0(4096, false)
	var answer *dns.Msg
	var err error
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: v.deadline / 2}
		if answer, _, err = client.ExchangeContext(ctx, question, v.resolver); err != nil {
			return nil, fmt.Errorf("asking for %s: %w", name, err)
		}
		if !answer.Truncated {
			break
		}
	}
	if answer.Rcode != dns.RcodeSuccess {
		return nil, fmt.Errorf("%s looking up %s for %s: %w", dns.RcodeToString[answer.Rcode], dns.TypeToString[qtype], name, errRcode(answer.Rcode))
	}
	return answer.Answer, nil
}

// errRcode is an answer other than NOERROR.
type errRcode int

func (e errRcode) Error() string { return dns.RcodeToString[int(e)] }

// addresses looks up both families at the same time, and returns the first
// public address of each. One family may fail if the other has an address.
func (v validator) addresses(ctx context.Context, name string) (six, four netip.Addr, r *refusal) {
	type family struct {
		first netip.Addr
		err   error
	}
	look := func(qtype uint16) <-chan family {
		done := make(chan family, 1)
		go func() {
			found, err := v.ask(ctx, name, qtype)
			f := family{err: err}
			for _, rr := range found {
				if addr := addressOf(rr); !f.first.IsValid() && public(addr) {
					f.first = addr
				}
			}
			done <- f
		}()
		return done
	}
	sixes, fours := look(dns.TypeAAAA), look(dns.TypeA)
	a, b := <-sixes, <-fours
	if !a.first.IsValid() && !b.first.IsValid() {
		return six, four, &refusal{"addresses", fmt.Sprintf("A: %v; AAAA: %v", b.err, a.err)}
	}
	return a.first, b.first, nil
}

func addressOf(rr dns.RR) netip.Addr {
	var addr netip.Addr
	switch rr := rr.(type) {
	case *dns.A:
		addr, _ = netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(rr.AAAA.To16())
	}
	return addr
}

// public reports whether the CA connects to an address. Loopback is the lab's
// public internet.
func public(addr netip.Addr) bool {
	for _, reserved := range []string{"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24", "192.168.0.0/16",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "::/128", "100::/64", "2001:db8::/32", "fc00::/7", "fe80::/10", "ff00::/8"} {
		if netip.MustParsePrefix(reserved).Contains(addr) {
			return false
		}
	}
	return addr.IsValid()
}

// caa returns why CAA records exclude the CA, the account or the method: those
// of the name, or of its closest parent that has any, up to the top level. An
// error before them excludes too.
func (v validator) caa(ctx context.Context, name string) *refusal {
	labels := strings.Split(name, ".")
	for i := range labels {
		at := strings.Join(labels[i:], ".")
		found, err := v.ask(ctx, at, dns.TypeCAA)
		if absent := errRcode(0); errors.As(err, &absent) && absent == dns.RcodeNameError && i < len(labels)-1 {
			continue
		}
		if err != nil {
			return &refusal{"CAA errors", err.Error()}
		}
		var set []*dns.CAA
		for _, rr := range found {
			if record, ok := rr.(*dns.CAA); ok {
				set = append(set, record)
			}
		}
		if len(set) > 0 {
			return v.allowed(set)
		}
	}
	return nil
}

// allowed returns why a set excludes us. Sets without issue, for example with
// issuewild only, exclude no plain name.
func (v validator) allowed(set []*dns.CAA) *refusal {
	var why *refusal
	for _, record := range set {
		switch tag := strings.ToLower(record.Tag); {
		case tag == "issue":
			if why == nil {
				why = &refusal{"CAA issuer", record.Value}
			}
		case !slices.Contains([]string{"issuewild", "iodef", "issuemail", "issuevmc"}, tag) && record.Flag&(128|1) != 0:
			return &refusal{"CAA critical", record.Tag}
		}
	}
	for _, record := range set {
		if strings.ToLower(record.Tag) != "issue" {
			continue
		}
		r := v.satisfied(record.Value)
		if r == nil {
			return nil
		}
		if r.rule != "CAA issuer" {
			why = r
		}
	}
	return why
}

// satisfied returns why the value of one issue record is not for us (RFC 8659
// section 4.2, RFC 8657 sections 3 and 4).
func (v validator) satisfied(value string) *refusal {
	issuer, rest, _ := strings.Cut(value, ";")
	if strings.Trim(issuer, " \t") != "letsencrypt.org" {
		return &refusal{"CAA issuer", value}
	}
	parameters := map[string][]string{}
	for one := range strings.SplitSeq(rest, ";") {
		if tag, value, ok := strings.Cut(strings.Trim(one, " \t"), "="); ok {
			parameters[strings.Trim(tag, " \t")] = append(parameters[strings.Trim(tag, " \t")], strings.Trim(value, " \t"))
		}
	}
	if accounts := parameters["accounturi"]; v.account == "" && len(accounts) == 1 {
		return &refusal{notTried, "whose account it is, is not known"}
	} else if len(accounts) > 1 || len(accounts) == 1 && accounts[0] != v.account {
		return &refusal{"CAA account", value}
	}
	methods := parameters["validationmethods"]
	if len(methods) > 1 || len(methods) == 1 && !lists(methods[0], "http-01") {
		return &refusal{"CAA method", value}
	}
	return nil
}

// lists reports whether a comma-separated list contains a method, with nothing
// ill-formed before it.
func lists(methods, wanted string) bool {
	wellFormed := regexp.MustCompile(`^[0-9A-Za-z-]+$`)
	for method := range strings.SplitSeq(methods, ",") {
		if !wellFormed.MatchString(method) {
			return false
		}
		if method == wanted {
			return true
		}
	}
	return false
}

// refuses returns why a name is refused before any validation.
func (v validator) refuses(name string) *refusal {
	no := func(why string) *refusal { return &refusal{"names", name + ": " + why} }
	if n := len(v.attempts); n > 0 && strings.Contains(v.attempts[n-1].Text, "forbidden by policy") {
		return no("it is on the list that is not public; the CA's text says so")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return no("an address")
	}
	labels := strings.Split(name, ".")
	plain := regexp.MustCompile(`^[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?$`)
	for _, label := range labels {
		switch {
		case !plain.MatchString(label):
			return no("label " + label)
		case len(label) >= 4 && label[2:4] == "--":
			decoded, err := idna.Punycode.ToUnicode(label)
			if !strings.HasPrefix(label, "xn--") || err != nil || !norm.NFC.IsNormalString(decoded) {
				return no("label " + label + " is not an IDN")
			}
		}
	}
	switch suffix := icannSuffix(name); {
	case len(name) > 253, len(labels) > 10, len(labels) < 2:
		return no("length")
	case suffix == "" || suffix == name:
		return no("public suffix")
	}
	return nil
}

// mayMiss returns how many of the remotes may fail.
func mayMiss(remotes int) int {
	switch {
	case remotes < 2:
		return 0
	case remotes < 6:
		return 1
	}
	return 2
}

// fewestRemotes is the smallest number of remotes that the Baseline
// Requirements permit since 2026-06-15. The CA's own number is not published;
// who missed too many of these missed too many of more.
const fewestRemotes = 4

// fewCame judges the last failed order by the site's access log, which alone
// shows who came from elsewhere: if the remotes failed over HTTP, and the
// validators that fetched the file are too few. A source that visits other
// pages too, or is the site itself, is no validator.
func (v validator) fewCame() *refusal {
	if len(v.attempts) == 0 {
		return nil
	}
	text := v.attempts[len(v.attempts)-1].Text
	log, err := os.ReadFile(v.log)
	if err != nil || !strings.Contains(text, "During secondary validation") || strings.Contains(text, "DNS problem") {
		return nil
	}
	came, others := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(log)) {
		from, _, _ := strings.Cut(line, " ")
		if strings.Contains(line, "Let's Encrypt validation server") {
			came[from] = true
		} else {
			others[from] = true
		}
	}
	for from := range came {
		if addr, err := netip.ParseAddr(from); err != nil || others[from] || slices.Contains(v.own, addr) {
			return nil // the log does not show the validators
		}
	}
	if missed := 1 + fewestRemotes - len(came); len(came) > 0 && missed > mayMiss(fewestRemotes) {
		return &refusal{"quorum", fmt.Sprintf("%d validators came, by the log", len(came))}
	}
	return nil
}
