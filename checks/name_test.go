package checks

import (
	"errors"
	"strings"
	"testing"
)

const (
	example = "xn--e1afmkfd.xn--p1ai"                                           // пример.рф
	long    = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk" // 63 letters
)

func TestToASCII(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"shop.ru", "shop.ru"},
		{"SHOP.ru", "shop.ru"},
		{"  shop.ru\n", "shop.ru"},
		{"shop.ru.", "shop.ru"},
		{"пример.рф", example},
		{"ПРИМЕР.РФ", example},
		{example, example},
		{"XN--E1AFMKFD.XN--P1AI", example},
		{"*.shop.ru", "*.shop.ru"},
		{"*.пример.рф", "*." + example},
		{"www.пример.shop.ru", "www.xn--e1afmkfd.shop.ru"},
		{"пример。рф", example}, // the dot of an East Asian keyboard
		{long + ".ru", long + ".ru"},
		{"1.ru", "1.ru"},
		{"My_Site.example.com", "my_site.example.com"}, // no CA issues for it, but panels have it
		{"ab--cd.ru", "ab--cd.ru"},
	} {
		if got, err := ToASCII(tt.name); got != tt.want || err != nil {
			t.Errorf("%q: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestNotAName(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "*", "*.", "*.*.ru", "localhost", "shop", "shop..ru", ".shop.ru", "shop.ru..",
		"a b.ru", "-shop.ru", "shop-.ru", "shop.ru,", "shop!.ru", "xn--a.ru", "xn--.ru",
		long + "a.ru", strings.Repeat("abc.", 70) + "ru", "shop.ru\x00", "<script>.ru", "при\u202Eмер.рф",
		strings.Repeat("ж", 1<<20) + ".рф", // rejected before conversion, which would take minutes
	} {
		if got, err := ToASCII(name); !errors.Is(err, ErrNotAName) {
			t.Errorf("ToASCII(%q) = %q, %v; want a refusal", name, got, err)
		}
	}
}

// Text that people paste from a browser, an e-mail or a chat.
func TestParseName(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"shop.ru", "shop.ru"},
		{"https://shop.ru/", "shop.ru"},
		{"https://Shop.RU/cart?id=1#top", "shop.ru"},
		{"http://user:secret@shop.ru:8080/path", "shop.ru"},
		{"shop.ru:443", "shop.ru"},
		{"shop.ru/", "shop.ru"},
		{"shop.ru?x", "shop.ru"},
		{"//shop.ru/a", ""},
		{"«пример.рф»", example},
		{"<https://пример.рф/путь>", example},
		{"`shop.ru`,", "shop.ru"},
		{"shop.ru;", "shop.ru"},
		{"https://xn--e1afmkfd.xn--p1ai./", example},
		{"*.shop.ru", "*.shop.ru"},
		{"203.0.113.10", ""},
		{"http://203.0.113.10:80/", ""},
		{"2001:db8::1", ""},
		{"https://[2001:db8::1]:443/", ""},
		{"https://", ""},
		{"shop.ru:port", ""},
		{"anna@shop.ru", "shop.ru"},
		{"что-то", ""},
		{"'; drop table", ""},
	} {
		got, err := ParseName(tt.text)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%q: %q, %v; want %q", tt.text, got, err, tt.want)
		}
		if err != nil && !errors.Is(err, ErrNotAName) {
			t.Errorf("%q: %v is not ErrNotAName", tt.text, err)
		}
	}
}

func TestShow(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{example, "пример.рф (" + example + ")"},
		{"*." + example, "*.пример.рф (*." + example + ")"},
		{"shop.ru", "shop.ru"},
		{"xn--zzzzzzzz.ru", "xn--zzzzzzzz.ru"}, // cannot be converted
		{"as stored: no name", "as stored: no name"},
		{"", ""},
	} {
		if got := Show(tt.name); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Converting to one form and back returns the same name.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"shop.ru", "пример.рф", "*.пример.рф", example, "straße.de", "ὀδυσσεύς.gr", "xn--a.ru"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ascii, err := ToASCII(name)
		if err != nil {
			return
		}
		for _, r := range ascii {
			if r > 127 || r >= 'A' && r <= 'Z' {
				t.Fatalf("%q: %q is not in A-label form", name, ascii)
			}
		}
		again, err := ToASCII(ToUnicode(ascii))
		if err != nil || again != ascii {
			t.Fatalf("%q: %q shows as %q, which is %q, %v", name, ascii, ToUnicode(ascii), again, err)
		}
	})
}

func TestRegisteredDomain(t *testing.T) {
	for name, want := range map[string]string{
		"www.shop.ru": "shop.ru", "shop.ru": "shop.ru", "*.shop.ru": "shop.ru", "a.b.shop.co.uk": "shop.co.uk",
		"blog.msk.ru": "blog.msk.ru", "www.blog.msk.ru": "blog.msk.ru", // private section
		"me.github.io": "me.github.io", "github.io": "github.io", // a suffix is returned unchanged
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
