package dns

import (
	"net/netip"
	"strings"
	"testing"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

func TestBlocklists(t *testing.T) {
	four, six, clean := netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8::10"), netip.MustParseAddr("203.0.113.11")
	refusing := func(addr string) internet.Zone {
		return internet.Blocklist{Origin: "bl.example.org", Error: netip.MustParseAddr(addr)}.Zone()
	}
	for name, tt := range map[string]struct {
		zone internet.Zone
		want string // addresses that are listed
		err  string
	}{
		"listed":          {internet.Blocklist{Origin: "bl.example.org", Listed: []netip.Addr{four, six}}.Zone(), "203.0.113.10 2001:db8::10", ""},
		"none listed":     {internet.Blocklist{Origin: "bl.example.org"}.Zone(), "", ""},
		"shut down":       {internet.Blocklist{Origin: "bl.example.org", Empty: true, Listed: []netip.Addr{four}}.Zone(), "", "test entry"},
		"lists all":       {internet.Zone{Origin: "bl.example.org", Text: "* A 127.0.0.2"}, "", "lists everything"},
		"typo":            {refusing("127.255.255.252"), "", "no such list"},
		"public resolver": {refusing("127.255.255.254"), "", "public resolver"},
		"volume":          {refusing("127.255.255.255"), "", "too many questions"},
		"not explained":   {refusing("127.255.255.253"), "", "not explained"},
		"a parked domain": {internet.Zone{Origin: "bl.example.org", Text: "* A 93.184.216.34"}, "", "which no list does"},
		"servers fail":    {internet.Zone{Origin: "bl.example.org", Temper: internet.Failing}, "", "SERVFAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, in := world(t, tt.zone)
			found, err := NewBlocklists(in.resolver, []string{"bl.example.org"}).Listed(t.Context(), four, six, clean)
			var names []string
			for _, f := range found {
				names = append(names, f.Name)
				if f.Code != checks.DNSBLListed || f.Args["lists"] != "bl.example.org" || !strings.Contains(f.Args["reason"].(string), f.Name+" is listed") {
					t.Errorf("finding %+v", f)
				}
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("listed %q, want %q", got, tt.want)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// A list that fails does not hide the answer of another.
func TestOneBlocklistFailsAnotherSpeaks(t *testing.T) {
	four := netip.MustParseAddr("203.0.113.10")
	_, in := world(t, internet.Blocklist{Origin: "good.example.org", Listed: []netip.Addr{four}}.Zone())
	found, err := NewBlocklists(in.resolver, []string{"gone.example.org", "good.example.org"}).Listed(t.Context(), four)
	if err == nil || len(found) != 1 || found[0].Args["lists"] != "good.example.org" {
		t.Errorf("findings %+v, error %v", found, err)
	}
}

func TestReversed(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.99":                "99.2.0.192",
		"2001:db8:1:2:3:4:567:89ab": "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2", // RFC 5782 section 2.4
	} {
		if got := reversed(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
