package checks

import (
	"strings"
	"testing"
)

// The rules are those of Boulder's policy authority: policy/pa.go, with the
// texts that the CA gives in brackets.
func TestRefused(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	for _, tt := range []struct{ name, rule, label string }{
		{"shop.ru", "", ""},
		{"xn--e1afmkfd.xn--p1ai", "", ""},
		{"a.b.c.d.e.f.g.h.shop.ru", "", ""}, // ten labels
		{label63 + ".ru", "", ""},
		{"shop.msk.ru", "", ""}, // below a suffix of the private section
		{"msk.ru", "", ""},      // which is no suffix for the CA
		{"shop.github.io", "", ""},
		{"shop.kawasaki.jp", "public", ""},
		{"my.shop.kawasaki.jp", "", ""},
		{"city.kawasaki.jp", "", ""}, // an exception of the list
		{"*.shop.ru", "", ""},
		{"1.ru", "", ""},
		{"a-b--c.ru", "", ""}, // the hyphens stand elsewhere
		{"shop.example", "", ""},
		// [Domain name contains an invalid character]
		{"my_shop.ru", "underscore", "my_shop"},
		{"_dmarc.shop.ru", "underscore", "_dmarc"},
		{"мой_магазин.рф", "underscore", "мой_магазин"},
		{"-shop.ru", "hyphen", "-shop"},
		{"www.shop-.ru", "hyphen", "shop-"},
		{"my shop.ru", "spelling", "my shop"},
		{"#7", "", ""}, // a name that could not be read
		{"", "spelling", ""},
		// [Domain name can not have two dots in a row]
		{"shop..ru", "spelling", ""},
		// [Domain name is longer than 253 bytes]
		{strings.Repeat("abc.", 63) + "ru", "length", ""},
		// [Domain has a label (component between dots) longer than 63 bytes]
		{label63 + "a.ru", "label", label63 + "a"},
		// [Domain name contains an invalid label in a reserved format (R-LDH: '??--')]
		{"ab--shop.ru", "reserved", "ab--shop"},
		// [Domain name contains malformed punycode]
		{"xn--.ru", "hyphen", "xn--"},
		{"xn--zzzzzzzz.ru", "punycode", "xn--zzzzzzzz"},
		{"xn--u-ccb.ru", "punycode", "xn--u-ccb"}, // u and a combining diaeresis: not in NFC
		// [Domain name has more than 10 labels (parts)]
		{"a.b.c.d.e.f.g.h.i.shop.ru", "labels", ""},
		{"*.b.c.d.e.f.g.h.i.shop.ru", "labels", ""},
		// [Domain name needs at least one dot]
		{"localhost", "single", ""},
		// [Domain name does not end with a valid public suffix (TLD)]
		{"shop.local", "suffix", "local"},
		{"nas.home.lan", "suffix", "lan"},
		{"crm.internal", "suffix", "internal"},
		{"shop.test", "suffix", "test"},
		{"shop.rru", "suffix", "rru"},
		// [Domain name is an ICANN TLD]
		{"co.uk", "public", ""},
		{"*.co.uk", "public", ""},
		{"*.ru", "public", ""},
		// [The ACME server can not issue a certificate for an IP address]
		{"203.0.113.10", "address", ""},
		{"2001:db8::10", "address", ""},
		{"[2001:db8::10]", "address", ""},
	} {
		why, refused := Refused(tt.name)
		if refused != (tt.rule != "") || why.Rule != tt.rule || why.Label != tt.label {
			t.Errorf("%q: %v %+v; want %q at %q", tt.name, refused, why, tt.rule, tt.label)
		}
	}
}

func BenchmarkRefused(b *testing.B) {
	for b.Loop() {
		Refused("www.shop-4711.ru")
	}
}
