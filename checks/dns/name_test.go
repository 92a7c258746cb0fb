package dns

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	for name, want := range map[string]bool{
		"paypal.com": false, "пример.рф": false, "xn--e1afmkfd.xn--p1ai": false, "магазин24.рф": false,
		"интернет-shop.ru": true,
		"раураl.com":       true, // all Cyrillic but the last letter
		"пример.com":       false, "παράδειγμα.com": false, "аβ.com": true, "例え.jp": false,
	} {
		if got := Lookalike(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestALookalikeIsMarkedInItsFindings(t *testing.T) {
	_, in := world(t)
	_, found, err := in.Look(t.Context(), Question{Name: "раураl.com"})
	if err != nil || len(found) != 1 || found[0].Args["lookalike"] != true {
		t.Errorf("findings %+v, error %v", found, err)
	}
}
