package reports

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Names of sites, addresses and files stand alone; words of a sentence do not.
func TestSpans(t *testing.T) {
	for text, want := range map[string][]string{
		"shop.ru — указывает на чужой адрес":            {"shop.ru"},
		"пример.рф (xn--e1afmkfd.xn--p1ai)":             {"пример.рф", "xn--e1afmkfd.xn--p1ai"},
		"Сертификат: shop.ru_le3 (E7, 90 дней)":         {"shop.ru_le3"},
		"A 198.51.100.7 (Beget), should be 2001:db8::1": {"198.51.100.7", "2001:db8::1"},
		"Серверы: ns1.beget.com, ns2.beget.com.":        {"ns1.beget.com", "ns2.beget.com"},
		"«*.shop.ru», www.shop.ru:8080/login?a=b!":      {"*.shop.ru", "www.shop.ru:8080/login?a=b"},
		"See https://shop.ru/.well-known/acme?x=1.":     {"https://shop.ru/.well-known/acme?x=1"},
		"[2001:db8::1]:443, 2001:db8::/32":              {"[2001:db8::1]:443", "2001:db8::/32"},
		"client17/shop.ru_le3.key is gone":              {"client17/shop.ru_le3.key"},
		"in /usr/local/mgr5/var/acme.log, or not":       {"/usr/local/mgr5/var/acme.log"},
		"panels[].acme.account_key_file: нет":           {"panels[].acme.account_key_file"},
		"список неудачных причина=ca.dns":               {"причина=ca.dns"},
		"write to hostmaster@shop.ru":                   {"hostmaster@shop.ru"},
		"क्षेत्र.भारत and 例え.テスト":                       {"क्षेत्र.भारत", "例え.テスト"},
		"т.е. и т.д., e.g. 14.05, 1.5 of 2/3, v1.2":     nil,
		"выпускается 127 (порог 100): 16 % / день":      nil,
		"Now... at 14:05; /check and [3] are no names=": nil,
		"cut in the mid… at 14:05:30, 1:2":              nil,
		"":                                              nil,
	} {
		var names []string
		var joined strings.Builder
		for _, s := range Spans(text) {
			joined.WriteString(s.Text)
			if s.Name {
				names = append(names, s.Text)
			}
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
		if joined.String() != text {
			t.Errorf("%q became %q", text, joined.String())
		}
	}
}

func FuzzSpans(f *testing.F) {
	f.Add("a.b://=@[::1]/\xff\u200d.рф")
	f.Fuzz(func(t *testing.T, text string) {
		joined := ""
		for _, s := range Spans(text) {
			if joined += s.Text; s.Text == "" {
				t.Error("an empty span")
			}
		}
		if joined != text {
			t.Errorf("%q became %q", text, joined)
		}
	})
}
