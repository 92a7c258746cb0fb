package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab/internet"
	"domovoy/cmd/internal/netns"
)

// places are three vantage points, each on a host with a network of its own.
type places []*netns.Host

// The vantage points, and how answers name them and the bot's own place.
var (
	placeNames = []string{"fra1", "ash1", "mow1"}
	placeLines = []string{"{name: fra1, network: AS64500, country: de}", "{name: ash1, network: AS64501, country: us}", "{name: mow1, network: AS64502, country: ru}"}
	placeSaid  = []string{"fra1 (AS64500, de)", "ash1 (AS64501, us)", "mow1 (AS64502, ru)"}
)

// seen is a site in a laboratory that is looked at from the bot's host and from places.
type seen struct {
	apart
	lab     *internet.Lab
	outside string
}

// looking starts a bot with a hub, and the agents of the places, for a laboratory. Hubs
// on one network need ports of their own.
func (p places) looking(t *testing.T, n *netns.Net, l *internet.Lab, port int) *seen {
	t.Helper()
	s := &seen{apart: apart{newHouse(t, settings{resolveAfter: 1})}, lab: l}
	text, err := os.ReadFile(s.config)
	s.must(err)
	w := worldOf(l)
	var addresses []string
	for _, a := range w.addresses {
		addresses = append(addresses, fmt.Sprintf("%q", a))
	}
	panel := fmt.Sprintf("panels: [{name: isp1, database: %q, timezone: UTC, addresses: [%s], challenges: %q, acme: {ca_file: %q, directory: %q}}]\nresolvers: []\nfleet: {listen: \"%s:%d\"}\nvantage: {name: home, country: de}\n",
		hosting(t, l.Panel.Aliases, l.Domain), strings.Join(addresses, ", "), w.challenges, w.roots, w.directory, n.Addr, port)
	text = bytes.Replace(text, []byte("resolvers: []\n"), nil, 1)
	text = regexp.MustCompile(`(?m)^panels: .*\n`).ReplaceAllLiteral(text, []byte(panel))
	text = bytes.Replace(text, []byte("language: ru"), []byte("language: en"), 1)
	s.must(os.WriteFile(s.config, text, 0o600))
	probe := fmt.Sprintf("resolvers: [%q]\nprobe: {http_port: %d, https_port: %d, timeout: %s}\n", w.resolver, w.http, w.https, probeTimeout)
	s.outside = strings.TrimSuffix(s.config, ".yaml") + "-outside.yaml"
	s.must(os.WriteFile(s.outside, bytes.Replace(text, []byte("resolvers: []\n"), fmt.Appendf(nil, "%slookups: {whois: {ru: %q}, rdap: %q}\n", probe, w.whois, w.rdap), 1), 0o600))
	s.start()
	for i, name := range placeNames {
		s.agent(p[i], name, probe+"vantage: "+placeLines[i]+"\n", "--vantage")
	}
	for until := s.soon(); ; { // until the bot knows them
		text := s.text()
		if !slices.ContainsFunc(placeSaid, func(place string) bool { return !strings.Contains(text, place) }) {
			return s
		}
		if until.Err() != nil {
			t.Fatalf("not from every place: %s", text)
		}
	}
}

// text is what a check says, on one line.
func (s *seen) text() string {
	s.Helper()
	c := s.asking("check", s.lab.Domain)
	c.Args = slices.DeleteFunc(c.Args, func(a string) bool { return a == "--format" || a == "json" })
	c.Args[slices.Index(c.Args, s.config)] = s.outside
	out, err := c.Output()
	if err != nil {
		s.Fatalf("%v: %s%s", err, out, c.Stderr)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// verdict is that of a check, and which places its finding says do not get through.
func (s *seen) verdict() (code string, missed []string) {
	s.Helper()
	out, _ := s.raw(s.outside, "check", s.lab.Domain)
	var got checked
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		s.Fatal(err, out)
	}
	places, _ := got.Verdict.Args["missed"].([]any)
	for _, p := range places {
		missed = append(missed, fmt.Sprint(p))
	}
	return got.Verdict.Code, missed
}

// mayMiss is the table of section 3.2.2.9 of the Baseline Requirements.
func mayMiss(looks int) int {
	switch {
	case looks >= 6:
		return 2
	case looks >= 2:
		return 1
	}
	return 0
}

// TestSplitsOfTheNetwork: a site that is well is looked at from the bot's host and from
// three others. For each way in which a firewall drops some of them, and others cannot
// look at all, the verdict is that of the CA's rule. A host that is cut off makes nothing
// down.
func TestSplitsOfTheNetwork(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	netns.Run(t, func(t *testing.T, n *netns.Net) {
		buildHub(t)
		p := places{n.Host(), n.Host(), n.Host()}
		s := p.looking(t, n, playing(t, "all is well"), hubPort)
		const (
			through = iota
			dropped
			dark  // only its hub answers
			alone // its cable is out
		)
		splits := [][]int{{through, through, through}, {through, through, dropped}, {dropped, through, dropped}, {dropped, dropped, dropped}, {through, dropped, dark}}
		if long(t) { // what cannot look is waited for
			splits = append(splits, [][]int{{through, through, dark}, {dropped, dropped, dark}, {dark, dark, dark}, {through, through, through}, {through, through, alone}, {dark, dropped, alone}}...)
		}
		for _, split := range splits {
			for i, how := range split {
				p[i].Pass()
				p[i].Plug()
				switch how {
				case dropped:
					p[i].Drop(s.lab.Web.HTTPPort(), s.lab.Web.HTTPSPort())
				case dark:
					p[i].Only(hubPort)
				case alone:
					p[i].Unplug()
				}
			}
			var kept []string
			could := 1 // the bot's own host
			for i, how := range split {
				if how <= dropped {
					could++
				}
				if how == dropped {
					kept = append(kept, placeSaid[i])
				}
			}
			want := "ok"
			if len(kept) > mayMiss(could) {
				want = "web.timeout"
			} else if len(kept) > 0 {
				want = "web.blocked"
			}
			began := time.Now()
			code, missed := s.verdict()
			t.Log(split, code, missed, time.Since(began))
			if slices.Sort(missed); code != want || !slices.Equal(missed, slices.Sorted(slices.Values(kept))) {
				t.Errorf("%v: the verdict is %s, missed by %q; want %s, %q", split, code, missed, want, kept)
			}
		}
	})
}

// TestSituationsFromOtherHosts: situations of the laboratory, looked at from the bot's
// host and three others, of which a firewall drops the third. What the others see is the
// cause, as from one place; what they see well is web.blocked.
func TestSituationsFromOtherHosts(t *testing.T) {
	t.Parallel()
	needPrograms(t)
	netns.Run(t, func(t *testing.T, n *netns.Net) {
		buildHub(t)
		p := places{n.Host(), n.Host(), n.Host()}
		want := map[string]string{"all is well": "web.blocked", "expired three days ago": "web.blocked", "another hoster's address": "dns.elsewhere", "a firewall drops port 80": "web.timeout"}
		if long(t) {
			for name, code := range map[string]string{"port 80 is closed": "web.refused", "CAA forbids all": "dns.caa", "a reset after the request": "web.reset", "a signature that is over": "dns.dnssec",
				"another folder than the panel's": "web.notfound", "to itself": "web.loop", "the application crashed, 500": "web.error", "a free name in .ru": "dns.unregistered",
				"one address of two is ours": "dns.partly", "a balancer with a dead server": "web.flapping", "HTTP/2 on port 80": "web.body", "a closed resolver": "unknown"} {
				want[name] = code
			}
		}
		began := time.Now()
		port := hubPort
		for _, situation := range internet.Situations() {
			code := want[situation.Name]
			if code == "" {
				continue
			}
			delete(want, situation.Name)
			port++
			port := port
			t.Run(situation.Name, func(t *testing.T) {
				t.Parallel()
				l := playing(t, situation.Name)
				s := p.looking(t, n, l, port)
				p[2].Drop(l.Web.HTTPPort(), l.Web.HTTPSPort())
				got, missed := s.verdict()
				t.Log(got, missed, situation.Want, time.Since(began))
				if got != code || code == "web.blocked" && !slices.Equal(missed, placeSaid[2:]) {
					t.Errorf("the verdict is %s, missed by %q; want %s", got, missed, code)
				}
			})
		}
		for name := range want {
			t.Errorf("there is no situation %q", name)
		}
	})
}
