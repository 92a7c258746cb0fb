package checks

import "testing"

func TestRegisteredDomain(t *testing.T) {
	for name, want := range map[string]string{
		"www.shop.ru": "shop.ru", "shop.ru": "shop.ru", "*.shop.ru": "shop.ru", "a.b.shop.co.uk": "shop.co.uk",
		"blog.msk.ru": "blog.msk.ru", "www.blog.msk.ru": "blog.msk.ru", // private section
		"me.github.io": "me.github.io", "github.io": "github.io", // a suffix stands for itself
		"xn--e1afmkfd.xn--p1ai": "xn--e1afmkfd.xn--p1ai", "www.xn--e1afmkfd.xn--p1ai": "xn--e1afmkfd.xn--p1ai",
		"a.b.invalidtld": "b.invalidtld",
		"":               "",
	} {
		if got := RegisteredDomain(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestPublicSuffix(t *testing.T) {
	for _, tt := range []struct {
		name, suffix string
		icann        bool
	}{
		{"www.shop.ru", "ru", true},
		{"shop.co.uk", "co.uk", true},
		{"any.xn--p1ai", "xn--p1ai", true},
		{"www.blog.msk.ru", "msk.ru", false},
		{"me.github.io", "github.io", false},
		{"a.b.invalidtld", "invalidtld", false},
	} {
		if suffix, icann := PublicSuffix(tt.name); suffix != tt.suffix || icann != tt.icann {
			t.Errorf("%s: %s, ICANN %t; want %s, %t", tt.name, suffix, icann, tt.suffix, tt.icann)
		}
	}
}
