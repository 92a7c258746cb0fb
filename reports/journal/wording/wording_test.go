package wording_test

import (
	"testing"

	"domovoy/reports/journal/wording"
)

func split(text, certificate string) (pattern, parts string) {
	p, q := wording.Split(nil, nil, text, certificate)
	return string(p), string(q)
}

func TestTextsOfTheSameKindShareAPattern(t *testing.T) {
	for name, c := range map[string]struct{ first, second, pattern string }{
		"an order": {
			"certificate for a.example, www.a.example issued, order https://acme-v02.api.letsencrypt.org/acme/order/1700000000/310000000000",
			"certificate for b.example, www.b.example issued, order https://acme-v02.api.letsencrypt.org/acme/order/1700000037/310000000911",
			"certificate for \x02, www.\x02 issued, order https://acme-v02.api.letsencrypt.org/acme/order/\x01/\x01",
		},
		"a challenge": {
			"203.0.113.10: Invalid response from http://a.example/.well-known/acme-challenge/80B4003AF594F34587F752829594FD2B: 404",
			"2001:db8::10: Invalid response from http://b.example/.well-known/acme-challenge/Yv-sPyPnTQKtqAoXcLgiEwRzUm0BdHbHkjNqWerTyUi: 404",
			"\x01: Invalid response from http://\x02/.well-known/acme-challenge/\x01: 404",
		},
		"a rate limit": {
			"too many failed authorizations (5) for \"mail.a.example\" in the last 1h0m0s, retry after 2026-11-21 14:05:07 UTC: see https://letsencrypt.org/docs/rate-limits/",
			"too many failed authorizations (5) for \"mail.b.example\" in the last 1h0m0s, retry after 2026-11-22 03:15:00 UTC: see https://letsencrypt.org/docs/rate-limits/",
			"too many failed authorizations (5) for \"mail.\x02\" in the last 1h0m0s, retry after \x01 \x01 UTC: see https://letsencrypt.org/docs/rate-limits/",
		},
		"no parts": {"нет ответа", "нет ответа", "нет ответа"},
	} {
		t.Run(name, func(t *testing.T) {
			for certificate, text := range map[string]string{"a.example_le1": c.first, "b.example_le12": c.second} {
				pattern, parts := split(text, certificate)
				if pattern != c.pattern {
					t.Errorf("%s: pattern %q, want %q", certificate, pattern, c.pattern)
				}
				if got := wording.Join(pattern, parts, certificate); got != text {
					t.Errorf("joined: %q", got)
				}
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		"", "a.example", "a.example_le1", "x.a.example.", "\x01", "1234\x045678", "\x03", "1234 5678", "https://", "https://a.example:", "..", "::",
		"xa.example a.example www.a.example a.example.b", "ошибка 12345: «a.example»", "_", "%1234",
	} {
		f.Add(text, "a.example_le1")
		f.Add(text, "")
		f.Add(text, "_le1")
		f.Add(text, "\x01_le1")
	}
	f.Fuzz(func(t *testing.T, text, certificate string) {
		pattern, parts := split(text, certificate)
		if got := wording.Join(pattern, parts, certificate); got != text {
			t.Errorf("%q of %q: pattern %q, parts %q, joined %q", text, certificate, pattern, parts, got)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	const text = "urn:ietf:params:acme:error:unauthorized: 203.0.113.10: Invalid response from http://site01272.example.com/.well-known/acme-challenge/80B4003AF594F34587F752829594FD2B: 404"
	b.ReportAllocs()
	var pattern, parts []byte
	for b.Loop() {
		pattern, parts = wording.Split(pattern[:0], parts[:0], text, "site01272.example.com_le1")
	}
}

func BenchmarkJoin(b *testing.B) {
	pattern, parts := split("203.0.113.10: Invalid response from http://site01272.example.com/.well-known/acme-challenge/80B4003AF594F34587F752829594FD2B: 404", "site01272.example.com_le1")
	b.ReportAllocs()
	for b.Loop() {
		wording.Join(pattern, parts, "site01272.example.com_le1")
	}
}
