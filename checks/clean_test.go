package checks

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ foreign, shown string }{
		{"", ""},
		{"nginx/1.22.1", "nginx/1.22.1"},
		{"  сервер № 1 ", "сервер № 1"},
		{"a\x1b[31mred\r\nb", "a [31mred  b"},
		{"ru.\u202eknab", "ru. knab"},    // bidi override
		{"a\u200bb\u00a0c", "a b c"},     // zero width, no-break
		{"half\xffbyte", "half byte"},    // not UTF-8
		{"\u2028line\u0085", "line"},     // separators other than newline
		{"<b>&amp;</b>", "<b>&amp;</b>"}, // markup is escaped by the messenger's package
		{strings.Repeat("я", WordLength), strings.Repeat("я", WordLength)},
		{strings.Repeat("я", WordLength+1), strings.Repeat("я", WordLength) + "…"},
	} {
		if got := Clean(tt.foreign, WordLength); got != tt.shown {
			t.Errorf("Clean(%q) = %q, want %q", tt.foreign, got, tt.shown)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("client.ru\x00\u202e", 3)
	f.Add("\xff\xfe", 0)
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = max(0, most%4096)
		got := Clean(s, most)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most+1 {
			t.Errorf("%q is %d runes of %d", got, utf8.RuneCountInString(got), most)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) }) {
			t.Errorf("%q shows what must not be shown", got)
		}
	})
}

func TestBound(t *testing.T) {
	short := "A 192.0.2.1\nAAAA none"
	if got := Bound(short); got != short {
		t.Errorf("%q", got)
	}
	if got := Bound(strings.Repeat("я\n", DetailLength)); utf8.RuneCountInString(got) != DetailLength || !utf8.ValidString(got) {
		t.Errorf("%d runes", utf8.RuneCountInString(got))
	}
}
