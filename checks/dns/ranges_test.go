package dns

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTheBuiltinRangesCanBeRead(t *testing.T) {
	r, err := BuiltinRanges()
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"104.16.1.1": "Cloudflare", "2606:4700::1": "Cloudflare", "::ffff:104.16.1.1": "Cloudflare", "151.101.1.1": "Fastly",
		"185.178.208.10": "DDoS-Guard", "186.2.160.5": "DDoS-Guard", "8.8.8.8": "", "127.0.0.1": "",
		"178.248.237.68": "Qrator", "185.71.67.1": "StormWall", "131.125.128.1": "Imperva",
	} {
		if got := r.Owner(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is of %q, want %q", addr, got, want)
		}
	}
	if got := r.suffix(kindCNAME, "abc.topology.gslb.yccdn.ru"); got != "Yandex Cloud" {
		t.Errorf("a name in yccdn.ru is of %q", got)
	}
	for host, want := range map[string]string{
		"s12345.cdn.ngenix.net": "NGENIX", "a051e1d7.selcdn.net": "Selectel", "6kcmxu3d7l.a.trbcdn.net": "CDNvideo", "x.servicepipe.ru": "Servicepipe",
		"x.curator.pro": "Curator", "shop.b-cdn.net": "bunny.net", "shop.akamaized.net": "Akamai", "shop.edgekey.net": "Akamai", "x.azureedge.net": "Azure",
		"cl-1234abcd.gcdn.co": "Gcore", "d111.cloudfront.net": "CloudFront", "x.fastly.net": "Fastly", "ngenix.net.shop.ru": "", "myngenix.net": "",
	} {
		if got := r.suffix(kindCNAME, host); got != want {
			t.Errorf("%s is of %q, want %q", host, got, want)
		}
	}
	for host, want := range map[string]string{
		"ns1.expired.reg.ru": "REG.RU", "ns3-parking.nic.ru": "RU-CENTER", "expired1.axelname.ru": "Axelname", "ns1.expiring.salenames.ru": "Salenames",
		"ns1.reg.ru": "", "ns3.nic.ru": "", "ns1.axelname.ru": "", "notexpired.reg.ru": "",
	} {
		if got := r.suffix(kindParking, host); got != want {
			t.Errorf("%s is for unpaid domains of %q, want %q", host, got, want)
		}
	}
	if got := r.suffix(kindNS, "evil-ddos-guard.net"); got != "" {
		t.Errorf("a name that only ends alike is of %q", got)
	}
}

func TestTheZeroRangesKnowNone(t *testing.T) {
	if r := new(Ranges); r.Owner(netip.MustParseAddr("104.16.1.1")) != "" || r.suffix(kindNS, "ns.cloudflare.com") != "" {
		t.Error("it knows some")
	}
}

func TestAFileStandsInForTheBuiltinRanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ranges.txt")
	if err := os.WriteFile(path, []byte("net 192.0.2.0/24 Our_Shield 2026-11 contract # a comment\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := LoadRanges(path)
	if err == nil && r.suffix(kindParking, "ns1.expired.reg.ru") == "" {
		t.Error("the file of CDNs took the parking name servers away")
	}
	if err != nil || r.Owner(netip.MustParseAddr("192.0.2.1")) != "Our Shield" || r.Owner(netip.MustParseAddr("104.16.1.1")) != "" {
		t.Errorf("%v", err)
	}
	if _, err := LoadRanges(path + "x"); err == nil {
		t.Error("a missing file was read")
	}
}

func TestAllFaultsOfARangeFileAreNamed(t *testing.T) {
	_, err := ReadRanges(strings.NewReader("net 10.0.0.1/8 A d s\nnet x A d s\n\nmx a.example A d s\nnet 10.0.0.0/8\n"))
	for _, want := range []string{"line 1: ", "line 2: ", "line 4: ", "line 5: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func FuzzReadRanges(f *testing.F) {
	f.Add(builtin)
	f.Add("net 192.0.2.0/24 A d s")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := ReadRanges(strings.NewReader(text)); err == nil {
			_ = r.Owner(netip.MustParseAddr("192.0.2.1"))
		}
	})
}

// Each line has a date and a source that can be looked up. That a domain is the
// owner's own says nothing of networks.
func TestTheBuiltinRangesHaveSources(t *testing.T) {
	source := regexp.MustCompile(`^(AS[0-9]+|history|public|sibling|[a-z0-9.-]+\.[a-z]+(/.*)?)$`)
	for line := range strings.Lines(builtin + parking) {
		text, _, _ := strings.Cut(line, "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if _, err := time.Parse("2006-01", words[3]); err != nil {
			t.Errorf("%s: %v", words[1], err)
		}
		if !source.MatchString(words[4]) && (words[4] != "owner" || words[0] == kindNet) {
			t.Errorf("%s %s: the source is %q", words[0], words[1], words[4])
		}
	}
}
