package dns

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

func TestParseName(t *testing.T) {
	for text, want := range map[string]name{
		"www.Client.ru":   {ascii: "www.client.ru", host: "www.client.ru", base: "www.client.ru", registered: "client.ru"},
		"пример.рф":       {ascii: "xn--e1afmkfd.xn--p1ai", host: "xn--e1afmkfd.xn--p1ai", base: "xn--e1afmkfd.xn--p1ai", registered: "xn--e1afmkfd.xn--p1ai"},
		"*.client.ru":     {ascii: "*.client.ru", host: "domovoy-probe.client.ru", base: "client.ru", registered: "client.ru", wildcard: true},
		"shop.msk.ru":     {ascii: "shop.msk.ru", host: "shop.msk.ru", base: "shop.msk.ru", registered: "shop.msk.ru"},
		"my_site.msk.ru":  {ascii: "my_site.msk.ru", host: "my_site.msk.ru", base: "my_site.msk.ru", registered: "my_site.msk.ru"},
		"msk.ru":          {ascii: "msk.ru", host: "msk.ru", base: "msk.ru", registered: "msk.ru"},
		"a.b.c.client.su": {ascii: "a.b.c.client.su", host: "a.b.c.client.su", base: "a.b.c.client.su", registered: "client.su"},
	} {
		got, err := parseName(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "..", "localhost", "a b.ru", "<b>.ru"} {
		if got, err := parseName(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestUpward(t *testing.T) {
	n, err := parseName("*.shop.client.ru")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop.client.ru", "client.ru", "ru"}, slices.Clone(n.upward())); diff != "" {
		t.Error(diff)
	}
}

func TestLookalike(t *testing.T) {
	for name, want := range map[string]mixture{
		"paypal.com": {}, "пример.рф": {}, "xn--e1afmkfd.xn--p1ai": {}, "магазин24.рф": {}, "пример.com": {}, "παράδειγμα.com": {}, "例え.jp": {},
		"интернет-shop.ru": {"интернет-shop", "latin", "shop"},
		"раураl.com":       {"раураl", "latin", "l"}, // all Cyrillic but the last letter
		"xn--pple-43d.com": {"аpple", "cyrillic", "а"},
		"www.αpple.com":    {"αpple", "greek", "α"},
		"shop.аβ.com":      {"аβ", "cyrillic", "а"},
	} {
		if got, ok := lookalike(name); ok != (want != mixture{}) || ok && got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// A name that looks like another is reported, whether it works or not.
func TestALookalikeIsAFinding(t *testing.T) {
	zone := internet.Zone{Origin: "xn--l-7sba6dbr.com", Text: "@ A " + ownV4}
	for name, codes := range map[string][]checks.Code{
		"раураl.com": {checks.DNSLookalike}, "*.раураl.com": {checks.DNSLookalike},
		"аpple.com": {checks.DNSNXDomain, checks.DNSLookalike},
	} {
		_, in := world(t, zone)
		_, found, err := in.Inspect(t.Context(), Question{Name: name, Ours: ours()})
		var got []checks.Code
		for _, f := range found {
			got = append(got, f.Code)
		}
		if name == "*.раураl.com" {
			codes = []checks.Code{checks.DNSLookalike}
		}
		if err != nil || !slices.Equal(got, codes) || found[len(found)-1].Severity != checks.Info {
			t.Errorf("%s: findings %+v, error %v", name, found, err)
		}
	}
}
